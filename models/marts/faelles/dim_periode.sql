{% set foerste_aar = 2007 %}
{% set antal_aar = 34 %}

with tal as (

    select tal from {{ talraekke(antal_aar * 12) }}

),

maaneder as (

    select
        cast({{ foerste_aar }} + floor(tal / 12) as integer) as aar,
        cast(tal % 12 + 1 as integer) as maaned
    from tal

),

perioder as (

    select
        aar,
        maaned,
        {{ dato_af('aar', 'maaned', 1) }} as periode
    from maaneder

),

final as (

    select
        periode,
        last_day(periode) as sidste_dag,
        aar,
        maaned,
        {{ dato_af('aar', 1, 1) }} as aar_start,
        cast(floor((maaned - 1) / 3) + 1 as integer) as kvartal,
        cast(aar as string) || 'K' || cast(cast(floor((maaned - 1) / 3) + 1 as integer) as string) as kvartalskode,
        case
            when maaned >= 8 then cast(aar as string) || '/' || cast(aar + 1 as string)
            else cast(aar - 1 as string) || '/' || cast(aar as string)
        end as skoleaar,
        case maaned
            when 1 then 'januar' when 2 then 'februar' when 3 then 'marts' when 4 then 'april' when 5 then 'maj' when 6 then 'juni'
            when 7 then 'juli' when 8 then 'august' when 9 then 'september' when 10 then 'oktober' when 11 then 'november' else 'december'
        end || ' ' || cast(aar as string) as maanedsnavn
    from perioder

)

select * from final
