-- What is another than expected, in the words of the municipality that reads it (the seed indholdsord): what is measured, what it is, and what was expected.
-- A field that has no word there is told by its own name.
with vurderet as (

    select * from {{ ref('indholdsvurdering') }}

),

ord as (

    select * from {{ ref('indholdsord') }}

),

med_ord as (

    select
        v.*,
        m.som_procent,
        replace(m.tekst, '{maal}', coalesce(a.tekst, v.maal)) as maalingstekst,
        case
            when f.navn is not null then coalesce(f.tekst, '')
            when v.felt like 'skift\_%' escape '\' then replace(substr(v.felt, 7), '_', ' ') || ' ændret'
            else replace(v.felt, '_', ' ')
        end as felttekst
    from vurderet as v
    left join ord as m
        on
            v.maaling = m.navn
            and m.slags = 'maaling'
    left join ord as f
        on
            v.felt = f.navn
            and f.slags = 'felt'
    left join ord as a
        on
            v.maal = a.navn
            and a.slags = 'maal'

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
        maal,
        maaling,
        mod_hvad,
        fil,
        antal,
        vaerdi_nu,
        vaerdi_ventet,
        virkning,
        udsving,
        regel,
        er_landets,
        case when er_landets then 'hele landet: ' else '' end || begreb
        || case when felttekst = '' then '' else ' ' || felttekst end
        || case
            when vaerdi = 'alt' then ''
            when felttekst = '' or felt in ('enhed', 'formel', 'kommune', 'maaned', 'i_gang') then ' ' || vaerdi
            else ' = ' || vaerdi
        end
        || ', ' || maalingstekst || ': '
        || case
            when som_procent
                then {{ kort_tal('100 * vaerdi_nu', 1) }} || ' pct. mod ventet ' || {{ kort_tal('100 * vaerdi_ventet', 1) }} || ' pct.'
            else {{ kort_tal('vaerdi_nu', 3) }} || ' mod ventet ' || {{ kort_tal('vaerdi_ventet', 3) }}
        end as noegle,
        alvor
    from med_ord

)

select * from final
