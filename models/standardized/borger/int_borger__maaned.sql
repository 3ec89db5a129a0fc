-- The first-of-months whose stock is known: the register has reported through the day before, and the day lies after the full extract.
with leverancer as (

    select * from {{ source('leverancer', 'leverance') }}
    where kildesystem = 'cpr' and status = 'aktiv'

),

start as (

    select min(cast(udtrukket as date)) as etableringsdato from leverancer
    where udtraekstype = 'fuld'

),

maaneder as (

    select distinct {{ borger_bestandsmaaned('udtrukket') }} as periode from leverancer

),

final as (

    select
        m.periode,
        s.etableringsdato
    from maaneder as m
    inner join start as s
        on m.periode > s.etableringsdato

)

select * from final
