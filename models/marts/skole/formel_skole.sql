with formler as (

    select * from {{ ref('formel') }}
    where fagomraade = 'skole'

),

udvalg as (

    select * from {{ ref('formel_skoleudvalg') }}

),

maal as (

    select * from {{ ref('int_skole__maal') }}

),

institutionstyper as (

    select * from {{ ref('institutionstype') }}

),

status as (

    select * from {{ ref('int_faelles__leveringsstatus') }}
    where fagomraade = 'skole'

),

-- What a formula takes: '*' is everything, a list is separated by blanks, and a group of institution types is named by its flag (er_...). Whose it is, is
-- the formula's role: the school's owner (egen), who pays (betaling), or where the pupil lives (bopael).
udvalgt as (

    select
        f.formel_id,
        case f.kommunerolle
            when 'betaling' then m.betaling_kommunekode
            when 'bopael' then m.bopael_kommunekode
            else m.ejer_kommunekode
        end as kommunekode,
        m.periode,
        sum(m.vaerdi) as vaerdi,
        sum(m.antal_personer) as antal_personer,
        max(m.stoerste_bidrag) as stoerste_bidrag
    from maal as m
    left join institutionstyper as t
        on m.institutionstype = t.institutionstype
    inner join udvalg as u
        on
            m.maal = u.maal
            and (
                u.institutionstyper = '*'
                or ' ' || u.institutionstyper || ' ' like '% ' || m.institutionstype || ' %'
                or (u.institutionstyper = 'er_offentligt_grundskoletilbud' and t.er_offentligt_grundskoletilbud)
                or (u.institutionstyper = 'er_specialtilbud' and t.er_specialtilbud)
                or (u.institutionstyper = 'er_privat_grundskole' and t.er_privat_grundskole)
            )
            {%- for kolonne, udvalgt in [
                ('klassetrin', 'klassetrin'), ('klassetype', 'klassetyper'),
                ('institutionstype_nu', 'institutionstyper_nu'), ('klassetrin_nu', 'klassetrin_nu'), ('klassetype_nu', 'klassetyper_nu'),
            ] %}
            and (u.{{ udvalgt }} = '*' or ' ' || u.{{ udvalgt }} || ' ' like '% ' || m.{{ kolonne }} || ' %')
            {%- endfor %}
    inner join formler as f
        on u.formel_id = f.formel_id
    group by
        f.formel_id,
        case f.kommunerolle
            when 'betaling' then m.betaling_kommunekode
            when 'bopael' then m.bopael_kommunekode
            else m.ejer_kommunekode
        end,
        m.periode

),

-- A year's figure is September's: the reference date of the school year that begins in it. What is held against last school start needs that September too.
maaneder as (

    select
        kommunekode,
        periode,
        periode as opgjort,
        'M' as opgoerelsesniveau,
        leveringsstatus,
        leveringsstatus as leveringsstatus_foer
    from status
    union all
    select
        s.kommunekode,
        cast(date_trunc('year', s.periode) as date) as periode,
        {{ dato_af('cast(extract(year from s.periode) as integer)', 9, 1) }} as opgjort,
        'Å' as opgoerelsesniveau,
        coalesce(
            max(case when extract(month from s.periode) = 9 then s.leveringsstatus end),
            case when bool_and(s.leveringsstatus = 'ikke_relevant') then 'ikke_relevant' else 'ikke_leveret' end
        ) as leveringsstatus,
        coalesce(max(f.leveringsstatus), 'ikke_leveret') as leveringsstatus_foer
    from status as s
    left join status as f
        on
            s.kommunekode = f.kommunekode
            and f.periode = {{ dato_af('cast(extract(year from s.periode) as integer) - 1', 9, 1) }}
    group by
        s.kommunekode,
        cast(date_trunc('year', s.periode) as date),
        cast(extract(year from s.periode) as integer)

),

ramme as (

    select
        f.formel_id,
        m.kommunekode,
        m.periode,
        case
            -- nothing was given or measured in the month: there is no figure of it, and no zero
            when f.periodisering = 'maaned_med_raekker' and m.leveringsstatus = 'leveret' and u.formel_id is null then 'ikke_relevant'
            when f.periodisering <> 'fra_sidste_skolestart' or m.leveringsstatus in ('ikke_relevant', 'ikke_leveret') then m.leveringsstatus
            -- what looks back to a school start that was never delivered, is not known
            when m.leveringsstatus_foer not in ('leveret', 'foreloebig') then 'ikke_leveret'
            when m.leveringsstatus_foer = 'foreloebig' then 'foreloebig'
            else m.leveringsstatus
        end as leveringsstatus,
        cast(round(u.vaerdi, 5) as decimal(18, 5)) as vaerdi,
        cast(u.antal_personer as bigint) as antal_personer,
        u.stoerste_bidrag
    from formler as f
    inner join maaneder as m
        on f.opgoerelsesniveau = m.opgoerelsesniveau
    left join udvalgt as u
        on
            f.formel_id = u.formel_id
            and m.kommunekode = u.kommunekode
            and m.opgjort = u.periode

),

final as (

    {{ formelvaerdier('skole', 'ramme', bidrag=true) }}

)

select * from final
