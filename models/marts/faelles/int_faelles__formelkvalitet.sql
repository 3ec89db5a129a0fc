{{ config(materialized='view') }}

-- Whether a formula's figure rests on something that is held. A formula counts its own fagområde alone (tests/pytest/test_holdt.py holds it to that), so
-- what it rests on is its fagområde, the municipalities it is counted for, and the months its periodisering says.
with formler as (

    select * from {{ ref('formel') }}

),

holdt as (

    select * from {{ ref('int_faelles__holdt') }}

),

kommuner as (

    select * from {{ ref('dim_kommune') }}

),

tal as (

    select distinct
        formel_id,
        kommunekode,
        periode
    from {{ ref('int_faelles__formelvaerdi') }}

),

-- A figure by the acting municipality rests on those it acts for as well.
hviler_paa as (

    select
        formel_id,
        kommunekode,
        periode,
        kommunekode as fra_kommunekode
    from tal

    union

    select
        t.formel_id,
        t.kommunekode,
        t.periode,
        k.kommunekode as fra_kommunekode
    from tal as t
    inner join formler as f on t.formel_id = f.formel_id and f.kommunerolle = 'handle'
    inner join kommuner as k on t.kommunekode = k.handlekommunekode

),

final as (

    select
        p.formel_id,
        p.kommunekode,
        p.periode,
        f.fagomraade,
        {{ kvalitetsstatus('h.kvalitetsstatus') }} as kvalitetsstatus
    from hviler_paa as p
    inner join formler as f on p.formel_id = f.formel_id
    inner join holdt as h
        on
            f.fagomraade = h.fagomraade
            and p.fra_kommunekode = h.kommunekode
            and {{ hviler_paa_maaned('f.periodisering', 'p.periode', 'h.periode') }}
    group by
        p.formel_id,
        p.kommunekode,
        p.periode,
        f.fagomraade

)

select * from final
