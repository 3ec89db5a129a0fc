{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['kommunekode', 'periode'], 'beroert': 'skole_beroert'}
) }}

-- A pupil in a month, once, whatever number of courses: where it goes is the course that holds on the 5th (5 September is the school year's reference date),
-- otherwise the last begun. School days and absence are those of the whole month. A pupil with absence and no course is here too, so that nothing is lost.
-- A pupil without a day of absence was there; where nobody of the municipality has one, absence has not been told of, and nobody's is known.
with forloeb as (

    select * from {{ kun_beroerte(ref('std_skole__elevforloeb')) }}

),

fravaer as (

    select * from {{ kun_beroerte(ref('std_skole__fravaer')) }}

),

institutioner as (

    select * from {{ kun_beroerte(ref('std_skole__institution')) }}

),

klasser as (

    select * from {{ kun_beroerte(ref('std_skole__klasse')) }}

),

nummereret as (

    select
        *,
        {{ gaelder_den_femte() }} as er_paa_opgoerelsesdagen,
        sum(skoledage) over (partition by kommunekode, periode, person_id) as maanedens_skoledage,
        row_number() over (
            partition by kommunekode, periode, person_id
            order by
                case when {{ gaelder_den_femte() }} then 0 else 1 end,
                gyldig_fra desc,
                institutionsnummer asc,
                kildesystem asc,
                elev_id asc
        ) as nr
    from forloeb

),

fravaersdage as (

    select
        kommunekode,
        periode,
        person_id,
        sum(andel) as fravaersdage,
        sum(case when fravaersart = 'sygdom' then andel else 0 end) as sygdomsdage,
        sum(case when fravaersart = 'ekstraordinaer_frihed' then andel else 0 end) as frihedsdage,
        sum(case when fravaersart = 'ulovligt' then andel else 0 end) as ulovlige_dage
    from fravaer
    group by
        kommunekode,
        periode,
        person_id

),

fravaersmaaneder as (

    select distinct
        kommunekode,
        periode
    from fravaer

),

sat_sammen as (

    select
        coalesce(e.kommunekode, f.kommunekode) as kommunekode,
        coalesce(e.periode, f.periode) as periode,
        coalesce(e.person_id, f.person_id) as person_id,
        e.kildesystem,
        e.foedselsaar,
        e.institutionsnummer,
        e.klasse_id,
        e.klassetrin,
        e.elevtype,
        e.er_tosproget,
        e.betaling_kommunekode,
        e.bopael_kommunekode,
        coalesce(e.er_paa_opgoerelsesdagen, false) as er_paa_opgoerelsesdagen,
        coalesce(e.maanedens_skoledage, 0) as skoledage,
        coalesce(f.fravaersdage, 0) as fravaersdage,
        coalesce(f.sygdomsdage, 0) as sygdomsdage,
        coalesce(f.frihedsdage, 0) as frihedsdage,
        coalesce(f.ulovlige_dage, 0) as ulovlige_dage
    from (
        select * from nummereret
        where nr = 1
    ) as e
    full join fravaersdage as f
        on
            e.kommunekode = f.kommunekode
            and e.periode = f.periode
            and e.person_id = f.person_id

),

final as (

    select
        s.kommunekode,
        s.periode,
        s.person_id,
        s.foedselsaar,
        s.kildesystem,
        coalesce(s.institutionsnummer, 'ukendt') as institutionsnummer,
        coalesce(i.institutionstype, 'ukendt') as institutionstype,
        -- a private school has no owner
        case when i.institutionsnummer is null then '0998' else coalesce(i.ejer_kommunekode, 'ingen') end as ejer_kommunekode,
        s.klasse_id,
        coalesce(s.klassetrin, 'ukendt') as klassetrin,
        coalesce(k.klassetype, 'ukendt') as klassetype,
        coalesce(s.elevtype, 'ukendt') as elevtype,
        case s.er_tosproget when true then 'ja' when false then 'nej' else 'uoplyst' end as tosproget,
        coalesce(s.bopael_kommunekode, '0998') as bopael_kommunekode,
        -- nobody else pays: the municipality of residence does
        coalesce(s.betaling_kommunekode, s.bopael_kommunekode, '0998') as betaling_kommunekode,
        s.er_paa_opgoerelsesdagen,
        cast(s.skoledage as integer) as skoledage,
        cast(case when m.periode is not null then s.fravaersdage end as decimal(9, 2)) as fravaersdage,
        cast(case when m.periode is not null then s.sygdomsdage end as decimal(9, 2)) as sygdomsdage,
        cast(case when m.periode is not null then s.frihedsdage end as decimal(9, 2)) as frihedsdage,
        cast(case when m.periode is not null then s.ulovlige_dage end as decimal(9, 2)) as ulovlige_dage
    from sat_sammen as s
    left join fravaersmaaneder as m
        on
            s.kommunekode = m.kommunekode
            and s.periode = m.periode
    left join institutioner as i
        on
            s.kommunekode = i.kommunekode
            and s.periode = i.periode
            and s.kildesystem = i.kildesystem
            and s.institutionsnummer = i.institutionsnummer
    left join klasser as k
        on
            s.kommunekode = k.kommunekode
            and s.periode = k.periode
            and s.kildesystem = k.kildesystem
            and s.klasse_id = k.klasse_id

)

select * from final
