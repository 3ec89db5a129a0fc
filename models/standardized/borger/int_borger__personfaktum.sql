-- What is said of numbers as what is said of persons. A number is its own person but for the few that are joined with another, and only those are looked up.
with fakta as (

    select * from {{ ref('int_borger__faktum') }}

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
        f._leverance_id,
        f._fil,
        f._linje,
        f.kommunekode,
        f.kildesystem,
        f.kilde_id,
        f.tabel,
        f.loebenr,
        f.udtraeksdato,
        coalesce(s.person_id, f.nummer_id) as person_id,
        f.faktum,
        f.virkningsdato,
        f.er_annullering,
        f.vaerdi,
        f.er_bosat,
        f.har_adressebeskyttelse,
        f.koen,
        f.foedselsdato,
        f.koen_modsiger_nummer,
        f.foedselsdato_modsiger_nummer,
        f.frasat_aarsag
    from fakta as f
    left join sammenlagte as s
        on f.nummer_id = s.nummer_id

)

select * from final
