with aldre as (

    select tal as alder from {{ talraekke(126) }}

),

grupper as (

    select * from {{ ref('aldersgruppe') }}

),

-- One row per age and set; a gap or an overlap in a set breaks a test (null group, or the age twice).
med_grupper as (

    select
        a.alder,
        g.alderssaet,
        g.aldersgruppe
    from aldre as a
    inner join grupper as g on a.alder between g.alder_fra and g.alder_til

),

final as (

    select
        alder,
        max(case when alderssaet = 'femaar' then aldersgruppe end) as femaarsgruppe,
        max(case when alderssaet = 'livsfase' then aldersgruppe end) as livsfase,
        max(case when alderssaet = 'forsoerger' then aldersgruppe end) as forsoergergruppe,
        max(case when alderssaet = 'boern_unge' then aldersgruppe end) as boern_unge_gruppe,
        max(case when alderssaet = 'arbejdsstyrke' then aldersgruppe end) as arbejdsstyrkegruppe,
        max(case when alderssaet = 'aeldre' then aldersgruppe end) as aeldregruppe
    from med_grupper
    group by alder

)

select * from final
