-- What happened to numbers as what happened to persons, as in int_borger__personfaktum.
with haendelser as (

    select * from {{ ref('int_borger__haendelse') }}

),

sammenlagte as (

    select
        nummer_id,
        person_id
    from {{ source('leverancer', 'person_noegle') }}
    where person_id <> nummer_id

),

final as (

    select
        h._leverance_id,
        h._fil,
        h._linje,
        h.kommunekode,
        h.kildesystem,
        h.kilde_id,
        h.tabel,
        h.loebenr,
        h.udtraeksdato,
        coalesce(s.person_id, h.nummer_id) as person_id,
        h.haendelsesart,
        h.dato,
        h.er_annullering,
        h.frasat_aarsag
    from haendelser as h
    left join sammenlagte as s
        on h.nummer_id = s.nummer_id

)

select * from final
