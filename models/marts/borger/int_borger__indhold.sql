-- What the register says of each municipality and month, as the measures its content is held on (docs/decisions/0030): the stock and its make-up, and what
-- moved it. The register comes for the whole country, so the country is measured as well: under the municipality code of the unknown.
with folketal as (

    select * from {{ ref('fct_borger__folketal') }}

),

bevaegelser as (

    select * from {{ ref('fct_borger__bevaegelse') }}

),

kommuner as (

    select kommunekode from {{ ref('kommune') }}
    where not er_udledt

),

leverancer as (

    select
        leverance_id,
        udtraekstype,
        cast(date_trunc('month', udtrukket) as date) as maaned
    from {{ source('leverancer', 'leverance') }}
    where
        kildesystem = 'cpr'
        and status = 'aktiv'

),

-- A handful of unknown codes in the whole country is no group that has changed: Borger's own rules tell of them.
grupper as (

    {%- for felt, vaerdi, naar in [
        ("'alt'", "'alt'", 'true'),
        ("'person_koen'", 'koen', 'true'),
        ("'person_koen_fra_80'", 'koen', 'alder >= 80'),
        ("'person_alder'", 'cast(cast(floor(alder / 10) as integer) as varchar(80))', 'true'),
        ("'civilstand'", 'civilstand', "civilstand <> 'ukendt'"),
        ("'statsborgerskabsgruppe'", 'statsborgerskabsgruppe', 'true'),
    ] %}
    select
        kommunekode,
        periode,
        {{ felt }} as felt,
        {{ vaerdi }} as vaerdi,
        antal_personer
    from folketal
    where {{ naar }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}

),

steder as (

    select
        kommunekode as sted,
        kommunekode
    from kommuner
    union all
    select
        '0998' as sted,
        kommunekode
    from kommuner

),

bestand as (

    select
        s.sted as kommunekode,
        g.periode,
        g.felt,
        g.vaerdi,
        cast(sum(g.antal_personer) as double) as personer
    from grupper as g
    inner join steder as s
        on g.kommunekode = s.kommunekode
    group by
        s.sted,
        g.periode,
        g.felt,
        g.vaerdi

),

bestand_ialt as (

    select
        kommunekode,
        periode,
        felt,
        sum(personer) as personer
    from bestand
    group by
        kommunekode,
        periode,
        felt

),

-- A group that is there in other months and not in this is a share of nothing.
kendte_grupper as (

    select
        kommunekode,
        felt,
        vaerdi
    from bestand
    where felt <> 'alt'
    group by
        kommunekode,
        felt,
        vaerdi
    having max(personer) >= 5

),

haendelser as (

    select
        s.sted as kommunekode,
        b.periode,
        b.bevaegelsesart,
        cast(sum(b.antal_personer) as double) as personer
    from bevaegelser as b
    inner join steder as s
        on b.kommunekode = s.kommunekode
    group by
        s.sted,
        b.periode,
        b.bevaegelsesart

),

arter as (

    select
        kommunekode,
        bevaegelsesart
    from haendelser
    where bevaegelsesart in ('foedt', 'doed', 'tilflyttet', 'fraflyttet', 'indvandret', 'udvandret', 'intern_flytning')
    group by
        kommunekode,
        bevaegelsesart

),

maanederne as (

    select distinct periode from bevaegelser

),

-- What the register's changes of a month say of when it happened: in a month or two before, as a rule, and not in a month to come.
meldte as (

    select
        s.sted as kommunekode,
        l.maaned as periode,
        cast(count(*) as double) as personer,
        cast(sum(case when p.gyldig_fra < cast(l.maaned - interval '2' month as date) then 1 else 0 end) as double) as laenge_foer,
        cast(sum(case when p.gyldig_fra >= cast(l.maaned + interval '1' month as date) then 1 else 0 end) as double) as efter
    from {{ ref('std_borger__person_periode') }} as p
    inner join leverancer as l
        on p._leverance_id = l.leverance_id
    inner join steder as s
        on p.bopael_kommunekode = s.kommunekode
    where
        l.udtraekstype = 'delta'
        and p.er_bosat
    group by
        s.sted,
        l.maaned

),

maalinger as (

    select
        kommunekode,
        periode,
        'folketal' as begreb,
        'alt' as felt,
        'alt' as vaerdi,
        'antal' as maaling,
        'niveau' as art,
        personer as vaerdi_nu,
        personer as antal
    from bestand
    where felt = 'alt'
    union all
    select
        k.kommunekode,
        i.periode,
        'folketal' as begreb,
        k.felt,
        k.vaerdi,
        'fordeling' as maaling,
        'andel' as art,
        coalesce(b.personer, 0) / i.personer as vaerdi_nu,
        i.personer as antal
    from kendte_grupper as k
    inner join bestand_ialt as i
        on
            k.kommunekode = i.kommunekode
            and k.felt = i.felt
    left join bestand as b
        on
            k.kommunekode = b.kommunekode
            and k.felt = b.felt
            and k.vaerdi = b.vaerdi
            and i.periode = b.periode
    where i.personer >= 20
    union all
    select
        a.kommunekode,
        m.periode,
        'bevaegelse' as begreb,
        case when a.bevaegelsesart in ('foedt', 'doed') then 'foedte_og_doede' else 'flytninger' end as felt,
        a.bevaegelsesart as vaerdi,
        'antal' as maaling,
        'niveau' as art,
        -- nobody at all is half a person to a logarithm
        greatest(coalesce(h.personer, 0), 0.5) as vaerdi_nu,
        coalesce(h.personer, 0) as antal
    from arter as a
    cross join maanederne as m
    left join haendelser as h
        on
            a.kommunekode = h.kommunekode
            and a.bevaegelsesart = h.bevaegelsesart
            and m.periode = h.periode
    {%- for vaerdi in ['laenge_foer', 'efter'] %}
    union all
    select
        kommunekode,
        periode,
        'bevaegelse' as begreb,
        'dato_gyldig_fra' as felt,
        '{{ vaerdi }}' as vaerdi,
        'fordeling' as maaling,
        'andel' as art,
        {{ vaerdi }} / personer as vaerdi_nu,
        personer as antal
    from meldte
    {%- endfor %}

),

-- A month's findings are told of its newest delivery (a stock's of the month before: it is the stock in the morning).
nyeste as (

    select
        m.periode,
        max(l.leverance_id) as leverance_id
    from (select distinct periode from maalinger) as m
    inner join leverancer as l
        on l.maaned <= m.periode
    group by m.periode

),

final as (

    select
        n.leverance_id as _leverance_id,
        'borger' as fagomraade,
        m.kommunekode,
        m.periode,
        'cpr' as kildesystem,
        m.begreb,
        m.felt,
        m.vaerdi,
        m.maaling,
        'personer' as maal,
        m.art,
        m.vaerdi_nu,
        m.antal
    from maalinger as m
    inner join nyeste as n
        on m.periode = n.periode

)

select * from final
