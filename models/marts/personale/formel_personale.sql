with formler as (

    select * from {{ ref('formel') }}
    where fagomraade = 'personale'

),

udvalg as (

    select * from {{ ref('formel_personaleudvalg') }}

),

stoerste as (

    select * from {{ ref('int_personale__stoerste_bidrag') }}

),

maal as (

    select * from {{ ref('int_personale__maal') }}

),

aarsager as (

    select * from {{ ref('fravaersaarsag') }}

),

bevaegelser as (

    select * from {{ ref('fct_personale__bevaegelse') }}

),

status as (

    select * from {{ ref('int_faelles__leveringsstatus') }}
    where fagomraade = 'personale'

),

maaneder as (

    select
        kommunekode,
        periode,
        cast(extract(year from periode) as integer) as aar,
        leveringsstatus,
        count(case when leveringsstatus = 'leveret' then 1 end) over (
            partition by kommunekode, extract(year from periode)
            order by periode
            rows between unbounded preceding and current row
        ) as antal_leveret
    from status

),

-- What a formula takes: '*' is everything, and a list is separated by blanks; causes may be named by the code list's flag (er_...). The persons of its parts
-- are added where each stands in one part only. In kinds of pay everybody stands in many, so there the largest part tells how many there are at least; and so
-- it does where those counted stand in another part.
udvalgt as (

    select
        u.formel_id,
        m.kommunekode,
        m.periode,
        sum(m.vaerdi) as vaerdi,
        case
            when u.maal = 'bruttoloen' then max(m.antal_personer)
            -- a value that is not zero rests on somebody, also where all who make it are counted in another part
            when sum(m.vaerdi) <> 0 then greatest(sum(m.antal_personer), 1)
            else sum(m.antal_personer)
        end as antal_personer
    from maal as m
    left join aarsager as a
        on m.fravaersaarsag = a.fravaersaarsag
    inner join udvalg as u
        on
            m.maal = u.maal
            and {{ er_udvalgt('u', 'm', 'a') }}
    group by
        u.formel_id,
        u.maal,
        m.kommunekode,
        m.periode

),

-- Entries of a month, and exits of the twelve months up to it beside the staff twelve months before.
gennemstroemning as (

    select
        b.kommunekode,
        b.periode,
        max(case when t.periode = b.periode then t.antal_tiltraadte end) as tiltraadte,
        sum(t.antal_fratraadte) as fratraadte_12,
        max(case when t.periode = cast(b.periode - interval '11' month as date) then t.antal_ansatte_foer end) as ansatte_12_foer,
        count(*) as antal_maaneder
    from bevaegelser as b
    inner join bevaegelser as t
        on
            b.kommunekode = t.kommunekode
            and t.periode <= b.periode
            and t.periode > cast(b.periode - interval '12' month as date)
    group by
        b.kommunekode,
        b.periode

),

personer_ind_og_ud as (

    select
        u.formel_id,
        g.kommunekode,
        g.periode,
        case u.maal
            when 'tiltraadte' then g.tiltraadte
            when 'fratraadte_12' then case when g.antal_maaneder = 12 then g.fratraadte_12 end
            when 'ansatte_12_foer' then g.ansatte_12_foer
        end as vaerdi
    from gennemstroemning as g
    inner join udvalg as u on u.maal in ('tiltraadte', 'fratraadte_12', 'ansatte_12_foer')

),

maanedens as (

    select
        formel_id,
        kommunekode,
        periode,
        vaerdi,
        antal_personer
    from udvalgt
    union all
    select
        formel_id,
        kommunekode,
        periode,
        vaerdi,
        vaerdi as antal_personer
    from personer_ind_og_ud

),

-- To date: twelve months of one full-time employee make one employee of the year, which the key figure divides by.
til_dato as (

    select
        f.formel_id,
        m.kommunekode,
        m.periode,
        sum(a.vaerdi) as vaerdi,
        max(a.antal_personer) as antal_personer
    from formler as f
    cross join maaneder as m
    inner join maanedens as a
        on
            f.formel_id = a.formel_id
            and m.kommunekode = a.kommunekode
            and m.aar = extract(year from a.periode)
            and a.periode <= m.periode
    where f.periodisering = 'aar_til_dato'
    group by
        f.formel_id,
        m.kommunekode,
        m.periode

),

ramme as (

    select
        f.formel_id,
        m.kommunekode,
        m.periode,
        case
            when m.leveringsstatus in ('ikke_relevant', 'ikke_leveret') then m.leveringsstatus
            -- what looks back to months that were never delivered, is not known
            when u.ser_tilbage and a.vaerdi is null then 'ikke_leveret'
            when f.periodisering <> 'aar_til_dato' then m.leveringsstatus
            when m.antal_leveret = extract(month from m.periode) then 'leveret'
            else 'foreloebig'
        end as leveringsstatus,
        cast(round(case when f.periodisering = 'aar_til_dato' then t.vaerdi else a.vaerdi end, 5) as decimal(18, 5)) as vaerdi,
        cast(case when f.periodisering = 'aar_til_dato' then t.antal_personer else a.antal_personer end as bigint) as antal_personer,
        -- a year to date is shown where its months are (docs/afsloering.md), and is not looked at itself
        b.stoerste_bidrag
    from formler as f
    inner join (
        select distinct
            formel_id,
            maal in ('tiltraadte', 'fratraadte_12', 'ansatte_12_foer') as ser_tilbage
        from udvalg
    ) as u
        on f.formel_id = u.formel_id
    cross join maaneder as m
    left join maanedens as a
        on f.formel_id = a.formel_id and m.kommunekode = a.kommunekode and m.periode = a.periode
    left join til_dato as t
        on f.formel_id = t.formel_id and m.kommunekode = t.kommunekode and m.periode = t.periode
    left join stoerste as b
        on f.formel_id = b.formel_id and m.kommunekode = b.kommunekode and m.periode = b.periode and f.periodisering <> 'aar_til_dato'

),

final as (

    {{ formelvaerdier('personale', 'ramme', bidrag=true) }}

)

select * from final
