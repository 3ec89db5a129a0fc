-- How far each municipality's reports of services reach. An open service is known to be open until then, and no longer; a file of target groups alone
-- says nothing of it.
with leverancer as (

    select
        l.kommunekode,
        l.periode
    from {{ source('leverancer', 'leverance') }} as l
    inner join {{ source('leverancer', 'leverance_tabel') }} as t
        on l.leverance_id = t.leverance_id
    where
        l.fagomraade = 'voksne_handicap'
        and l.status = 'aktiv'
        and t.tabel = 'ydelse'

),

final as (

    select
        kommunekode,
        {{ dato_plus_dage('last_day(max(cast(periode as date)))', 1) }} as daekket_til
    from leverancer
    group by kommunekode

)

select * from final
