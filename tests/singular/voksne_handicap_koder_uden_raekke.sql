-- A code of a vendor without a row in its crosswalk becomes 'ukendt' and is never dropped. Here it is listed per municipality and system, for the one who
-- keeps the crosswalks. A warning: a new code at a vendor does not stop the country.
{{ config(severity='warn', group='faggruppe_voksne_handicap') }}

with koder as (
    select
        kommunekode,
        kildesystem,
        'paragraf' as begreb,
        paragraf_kildekode as kildekode
    from {{ ref('stg_eg_sensum__ydelse') }}
    union all
    select
        kommunekode,
        kildesystem,
        'paragraf' as begreb,
        paragraf_kildekode as kildekode
    from {{ ref('stg_kmd_nexus__ydelse') }}
    union all
    select
        kommunekode,
        kildesystem,
        'paragraf' as begreb,
        paragraf_kildekode as kildekode
    from {{ ref('stg_eg_bosted__ydelse') }}
    union all
    select
        kommunekode,
        kildesystem,
        'tilbudstype' as begreb,
        tilbudstype_kildekode as kildekode
    from {{ ref('stg_eg_sensum__ydelse') }}
    union all
    select
        kommunekode,
        kildesystem,
        'tilbudstype' as begreb,
        tilbudstype_kildekode as kildekode
    from {{ ref('stg_kmd_nexus__ydelse') }}
    union all
    select
        kommunekode,
        kildesystem,
        'tilbudstype' as begreb,
        tilbudstype_kildekode as kildekode
    from {{ ref('stg_eg_bosted__ydelse') }}
    union all
    select
        kommunekode,
        kildesystem,
        'ydelsesstatus' as begreb,
        status_kildekode as kildekode
    from {{ ref('stg_eg_sensum__ydelse') }}
    union all
    select
        kommunekode,
        kildesystem,
        'ydelsesstatus' as begreb,
        status_kildekode as kildekode
    from {{ ref('stg_kmd_nexus__ydelse') }}
    union all
    select
        kommunekode,
        kildesystem,
        'ydelsesstatus' as begreb,
        status_kildekode as kildekode
    from {{ ref('stg_eg_bosted__ydelse') }}
    union all
    select
        kommunekode,
        kildesystem,
        'maalgruppe' as begreb,
        maalgruppe_kildekode as kildekode
    from {{ ref('stg_eg_sensum__maalgruppe') }}
    union all
    select
        kommunekode,
        kildesystem,
        'maalgruppe' as begreb,
        maalgruppe_kildekode as kildekode
    from {{ ref('stg_kmd_nexus__maalgruppe') }}
    union all
    select
        kommunekode,
        kildesystem,
        'maalgruppe' as begreb,
        maalgruppe_kildekode as kildekode
    from {{ ref('stg_eg_bosted__maalgruppe') }}

),

kendte as (
    select
        kildesystem,
        'paragraf' as begreb,
        kildekode
    from {{ ref('xwalk_voksne_handicap__paragraf') }}
    union all
    select
        kildesystem,
        'tilbudstype' as begreb,
        kildekode
    from {{ ref('xwalk_voksne_handicap__tilbudstype') }}
    union all
    select
        kildesystem,
        'ydelsesstatus' as begreb,
        kildekode
    from {{ ref('xwalk_voksne_handicap__ydelsesstatus') }}
    union all
    select
        kildesystem,
        'maalgruppe' as begreb,
        kildekode
    from {{ ref('xwalk_voksne_handicap__maalgruppe') }}

),

final as (

    select
        k.kommunekode,
        k.kildesystem,
        k.begreb,
        k.kildekode,
        count(*) as antal_raekker
    from koder as k
    left join kendte as x
        on
            k.kildesystem = x.kildesystem
            and k.begreb = x.begreb
            and k.kildekode = x.kildekode
    where
        k.kildekode is not null
        and x.kildekode is null
    group by
        k.kommunekode,
        k.kildesystem,
        k.begreb,
        k.kildekode

)

select * from final
