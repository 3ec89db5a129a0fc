-- What a delivery says, as measures that can be compared from month to month and from one municipality to another: a level (rows, a mean) or a share (a code's, what is negative).
with leverancer as (

    select
        leverance_id,
        kommunekode,
        kildesystem,
        fagomraade,
        fil,
        status,
        udtraekstype,
        cast(date_trunc('month', coalesce(cast(periode as date), cast(udtrukket as date))) as date) as periode
    from {{ source('leverancer', 'leverance') }}
    where
        status in ('aktiv', 'erstattet')
        and kommunekode is not null
        -- a file about a part of a month cannot be expected to have all of it
        and (
            coalesce(udtraekstype, 'fuld') <> 'periode'
            or cast(coalesce(udtrukket, modtaget) as date) >= last_day(cast(periode as date))
        )

),

-- Of several deliveries for the same month the newest counts.
profiler as (

    select
        p.*,
        l.kommunekode,
        l.periode,
        max(p._leverance_id) over (partition by p.fagomraade, p.begreb, l.kommunekode, l.periode) as nyeste_id
    from {{ ref('indholdsprofil') }} as p
    inner join leverancer as l
        on p._leverance_id = l.leverance_id

),

profil as (

    select * from profiler
    where _leverance_id = nyeste_id

),

ialt as (

    select
        fagomraade,
        begreb,
        kommunekode,
        kildesystem,
        periode,
        _leverance_id,
        cast(max(case when felt = 'alt' and maal = 'raekker' then antal end) as double) as raekker,
        cast(max(case when felt = 'personer' then antal end) as double) as personer
    from profil
    group by
        fagomraade,
        begreb,
        kommunekode,
        kildesystem,
        periode,
        _leverance_id

),

-- A code that the municipality uses in other months and not in this is a share of nothing.
koder as (

    select
        fagomraade,
        begreb,
        kommunekode,
        kildesystem,
        felt,
        vaerdi,
        maal
    from profil
    where
        felt not in ('alt', 'personer')
        and maal in ('raekker', 'personer')
    group by
        fagomraade,
        begreb,
        kommunekode,
        kildesystem,
        felt,
        vaerdi,
        maal
    having max(antal) >= 5

),

filer as (

    select
        l.fagomraade,
        t.tabel as begreb,
        l.kommunekode,
        l.kildesystem,
        l.periode,
        l.leverance_id as _leverance_id,
        cast(t.raekker as double) as raekker
    from leverancer as l
    inner join {{ source('leverancer', 'leverance_tabel') }} as t
        on l.leverance_id = t.leverance_id
    -- a full extract grows with what has been; of the others the good rows are counted
    where l.udtraekstype = 'fuld'
    qualify row_number() over (partition by l.kommunekode, l.kildesystem, t.tabel, l.periode order by l.leverance_id desc) = 1

),

-- One row per municipality, month and measure: the value, and the number of rows or persons it rests on.
maalinger as (

    select
        i.fagomraade, i.begreb, i.kommunekode, i.kildesystem, i.periode, i._leverance_id,
        k.felt, k.vaerdi, 'fordeling' as maaling, k.maal, 'andel' as art,
        coalesce(p.antal, 0) / case when k.maal = 'personer' then i.personer else i.raekker end as vaerdi_nu,
        case when k.maal = 'personer' then i.personer else i.raekker end as antal
    from koder as k
    inner join ialt as i
        on
            k.fagomraade = i.fagomraade
            and k.begreb = i.begreb
            and k.kommunekode = i.kommunekode
            and k.kildesystem = i.kildesystem
    left join profil as p
        on
            i._leverance_id = p._leverance_id
            and k.begreb = p.begreb
            and k.felt = p.felt
            and k.vaerdi = p.vaerdi
            and k.maal = p.maal
    where i.raekker > 0
    union all
    select
        fagomraade, begreb, kommunekode, kildesystem, periode, _leverance_id,
        felt, vaerdi, 'antal' as maaling, maal, 'niveau' as art,
        cast(antal as double) as vaerdi_nu,
        cast(antal as double) as antal
    from profil
    where felt in ('alt', 'personer') and maal in ('raekker', 'personer') and antal > 0
    union all
    select
        fagomraade, begreb, kommunekode, kildesystem, periode, _leverance_id,
        'fil' as felt, 'alt' as vaerdi, 'antal' as maaling, 'raekker' as maal, 'niveau' as art,
        greatest(raekker, 0.5) as vaerdi_nu,
        raekker as antal
    from filer
    union all
    select
        fagomraade, begreb, kommunekode, kildesystem, periode, _leverance_id,
        'alt' as felt, 'alt' as vaerdi, 'pr_person' as maaling, 'raekker' as maal, 'niveau' as art,
        raekker / personer as vaerdi_nu,
        personer as antal
    from ialt
    where personer > 0
    union all
    select
        fagomraade, begreb, kommunekode, kildesystem, periode, _leverance_id,
        felt, vaerdi, 'sum' as maaling, maal, 'niveau' as art,
        cast(stoerrelse as double) as vaerdi_nu,
        cast(antal as double) as antal
    from profil
    where felt = 'alt' and stoerrelse > 0
    union all
    select
        fagomraade, begreb, kommunekode, kildesystem, periode, _leverance_id,
        felt, vaerdi, 'gennemsnit' as maaling, maal, 'niveau' as art,
        cast(stoerrelse as double) / antal as vaerdi_nu,
        cast(antal as double) as antal
    from profil
    where stoerrelse > 0 and antal >= case when felt = 'alt' then 10 else 20 end and felt not like 'dato%' and felt not like 'maaned%' and felt <> 'enhed'
    union all
    select
        fagomraade, begreb, kommunekode, kildesystem, periode, _leverance_id,
        felt, vaerdi, 'typisk' as maaling, maal, 'niveau' as art,
        exp(cast(logsum as double) / antal) as vaerdi_nu,
        cast(antal as double) as antal
    from profil
    where stoerrelse > 0 and antal >= case when felt = 'alt' then 10 else 20 end and felt not like 'dato%' and felt not like 'maaned%' and felt <> 'enhed'
    union all
    select
        fagomraade, begreb, kommunekode, kildesystem, periode, _leverance_id,
        felt, vaerdi, 'negativ' as maaling, maal, 'andel' as art,
        cast(negativ as double) / cast(stoerrelse as double) as vaerdi_nu,
        cast(antal as double) as antal
    from profil
    where stoerrelse > 0 and antal >= case when felt = 'alt' then 10 else 20 end and felt not like 'dato%' and felt not like 'maaned%' and felt <> 'enhed'
    union all
    select
        p.fagomraade, p.begreb, p.kommunekode, p.kildesystem, p.periode, p._leverance_id,
        p.felt, p.vaerdi, 'uden_tal' as maaling, p.maal, 'andel' as art,
        1 - p.antal / i.raekker as vaerdi_nu,
        i.raekker as antal
    from profil as p
    inner join ialt as i
        on
            p._leverance_id = i._leverance_id
            and p.begreb = i.begreb
    where p.felt = 'alt' and p.maal not in ('raekker', 'personer') and i.raekker > 0
    union all
    select
        s.fagomraade, s.begreb, s.kommunekode, l.kildesystem, s.periode, s._leverance_id,
        'maaned' as felt, cast({{ maaneder_mellem('s.anden_periode', 's.periode') }} as varchar(80)) as vaerdi, 'set_foer' as maaling, 'raekker' as maal, 'andel' as art,
        max(cast(s.andel as double)) as vaerdi_nu,
        cast(max(s.antal_sammenlignet) as double) as antal
    from {{ ref('indholdssammenfald') }} as s
    inner join leverancer as l
        on s._leverance_id = l.leverance_id
    where
        s.kommunekode = s.anden_kommunekode
        and s.er_bevaegelser
    group by
        s.fagomraade, s.begreb, s.kommunekode, l.kildesystem, s.periode, s._leverance_id,
        {{ maaneder_mellem('s.anden_periode', 's.periode') }}
    union all
    select distinct
        s.fagomraade, s.begreb, l.kommunekode, l.kildesystem, l.periode, s._leverance_id,
        'alt' as felt, 'alt' as vaerdi, 'gentaget' as maaling, 'raekker' as maal, 'andel' as art,
        1 - cast(s.antal_forskellige as double) / s.antal_raekker as vaerdi_nu,
        cast(s.antal_raekker as double) as antal
    from {{ ref('indholdsskitse') }} as s
    inner join leverancer as l
        on s._leverance_id = l.leverance_id
    union all
    select
        s.fagomraade, s.begreb, s.kommunekode, l.kildesystem, s.periode, s._leverance_id,
        'kommune' as felt, s.anden_kommunekode as vaerdi, 'andres' as maaling, 'raekker' as maal, 'andel' as art,
        max(cast(s.andel as double)) as vaerdi_nu,
        cast(max(s.antal_sammenlignet) as double) as antal
    from {{ ref('indholdssammenfald') }} as s
    inner join leverancer as l
        on s._leverance_id = l.leverance_id
    where s.kommunekode <> s.anden_kommunekode
    group by
        s.fagomraade, s.begreb, s.kommunekode, l.kildesystem, s.periode, s._leverance_id, s.anden_kommunekode
    union all
    select
        fagomraade, tabel as begreb, kommunekode, kildesystem, periode, leverance_id as _leverance_id,
        'fil' as felt, 'alt' as vaerdi, 'frasat' as maaling, 'raekker' as maal, 'andel' as art,
        cast(antal_frasat as double) / antal_ind as vaerdi_nu,
        cast(antal_ind as double) as antal
    from {{ ref('raekkeregnskab') }}
    where
        antal_frasat > 0
        and kommunekode is not null

),

final as (

    select
        _leverance_id,
        fagomraade,
        kommunekode,
        periode,
        kildesystem,
        begreb,
        felt,
        vaerdi,
        maaling,
        maal,
        art,
        cast(round(vaerdi_nu, 6) as double) as vaerdi_nu,
        cast(antal as double) as antal
    from maalinger
    where vaerdi_nu is not null

)

select * from final
