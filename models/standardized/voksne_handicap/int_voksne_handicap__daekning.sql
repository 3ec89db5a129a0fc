-- How far each municipality's reports reach. An open service is known to be open until then, and no longer.
with leverancer as (

    select * from {{ source('leverancer', 'leverance') }}
    where
        fagomraade = 'voksne_handicap'
        and status = 'aktiv'

),

final as (

    select
        kommunekode,
        {{ dato_plus_dage('last_day(max(cast(periode as date)))', 1) }} as daekket_til
    from leverancer
    group by kommunekode

)

select * from final
