-- What became of every row that was loaded: in = out + merged + set aside + not applicable.
with leverancer as (

    select
        l.leverance_id,
        l.fagomraade,
        l.kommunekode,
        l.periode,
        l.kildesystem,
        l.fil,
        t.tabel,
        t.raekker as antal_ind
    from {{ source('leverancer', 'leverance') }} as l
    inner join {{ source('leverancer', 'leverance_tabel') }} as t
        on l.leverance_id = t.leverance_id
    where l.status = 'aktiv'

),

udfald as (

    select
        _leverance_id,
        tabel,
        sum(case when udfald = 'god' then antal_raekker else 0 end) as antal_gode,
        sum(case when udfald = 'frasat' then antal_raekker else 0 end) as antal_frasat,
        sum(case when udfald = 'ikke_gaeldende' then antal_raekker else 0 end) as antal_ikke_gaeldende
    from {{ ref('raekkeudfald') }}
    group by
        _leverance_id,
        tabel

),

-- Where rows become one in the standardized layer (spells that go on in another system), the row that speaks for the whole is out, the others are merged.
ydelser as (

    select
        _leverance_id,
        'ydelse' as tabel,
        count(*) as antal_ud
    from {{ ref('std_voksne_handicap__ydelse') }}
    group by _leverance_id

),

final as (

    select
        l.leverance_id,
        l.fagomraade,
        l.kommunekode,
        l.periode,
        l.kildesystem,
        l.fil,
        l.tabel,
        cast(l.antal_ind as bigint) as antal_ind,
        cast(
            case
                when l.fagomraade = 'voksne_handicap' and l.tabel = 'ydelse' then coalesce(y.antal_ud, 0)
                else coalesce(u.antal_gode, 0)
            end as bigint
        ) as antal_ud,
        cast(
            case
                when l.fagomraade = 'voksne_handicap' and l.tabel = 'ydelse' then coalesce(u.antal_gode, 0) - coalesce(y.antal_ud, 0)
                else 0
            end as bigint
        ) as antal_sammenlagt,
        cast(coalesce(u.antal_frasat, 0) as bigint) as antal_frasat,
        cast(coalesce(u.antal_ikke_gaeldende, 0) as bigint) as antal_ikke_gaeldende
    from leverancer as l
    left join udfald as u
        on
            l.leverance_id = u._leverance_id
            and l.tabel = u.tabel
    left join ydelser as y
        on
            l.leverance_id = y._leverance_id
            and l.tabel = y.tabel

)

select * from final
