-- The deliveries' control totals (sum of the debit side, to the øre, as the end record or the load has it) against what stands in the
-- standardized layer, delivery by delivery.
-- The deliveries of the last run; all of them with --vars '{alt: true}'.
{%- set udsnit = beroert_udsnit(ref('std_oekonomi__postering')) %}
with delvise as (

    select _leverance_id
    from {{ ref('std_oekonomi__frasat') }}
    where aarsag <> 'beloeb_ulaeseligt'

),

leverancer as (

    select
        leverance_id,
        kontrolsum
    from {{ source('leverancer', 'leverance') }}
    where
        status = 'aktiv'
        and fagomraade = 'oekonomi'
        and kontrolsum is not null
        -- a delivery with rows set aside for anything but an unreadable amount has readable amounts outside the model: the row account tells of those
        and leverance_id not in (select d._leverance_id from delvise as d)
        {%- if udsnit is string %}
        and leverance_id in (select _leverance_id from {{ skive_tabel('std_oekonomi__postering') }})
        {%- endif %}

),

posteringer as (

    select
        _leverance_id,
        sum(case when beloeb_kr > 0 then beloeb_kr else 0 end) as beloeb_kr
    from {{ udsnit }}
    group by _leverance_id

),

-- A row whose amount could not be read is in no sum; the loader leaves it out of the control total too.
sammenlignet as (

    select
        l.leverance_id,
        l.kontrolsum,
        coalesce(p.beloeb_kr, 0) as beloeb_kr
    from leverancer as l
    left join posteringer as p
        on l.leverance_id = p._leverance_id

)

select *
from sammenlignet
where kontrolsum <> beloeb_kr
