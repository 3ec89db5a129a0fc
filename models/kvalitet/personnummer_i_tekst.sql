-- CPR numbers that stood in a text or a key of an active delivery, masked as it came (docs/decisions/0036): how many rows, per field. The numbers stay behind.
with fundet as (

    select
        leverance_id,
        tabel,
        felt,
        art,
        count(distinct linje) as antal_raekker,
        min(linje) as foerste_linje
    from {{ source('leverancer', 'personnummer_i_tekst') }}
    where art in ('kendt', 'form')
    group by
        leverance_id,
        tabel,
        felt,
        art

),

final as (

    select
        l.fagomraade,
        l.kildesystem,
        l.periode,
        substr(f.tabel, length(l.kildesystem) + 3) as tabel,
        f.felt,
        f.art,
        l.leverance_id as _leverance_id,
        l.fil,
        f.foerste_linje as _linje,
        coalesce(l.kommunekode, '0998') as kommunekode,
        cast(f.antal_raekker as bigint) as antal_raekker
    from fundet as f
    inner join {{ source('leverancer', 'leverance') }} as l
        on f.leverance_id = l.leverance_id
    where l.status = 'aktiv'

)

select * from final
