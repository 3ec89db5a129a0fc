-- What happens from one school start to the next. The 5th of September, the reference date of the school year, is the school start. Three measures: the
-- pupils there are, those of them who turn seven or more in the year, and last year's pupils who go to school this year too, by where they went and where
-- they go now (the columns _nu). A pupil who has come again counts for the municipality of last year, so that a share of them is of the same pupils above
-- and below the line. No slices: a pupil's next school may be in another municipality, and a year has one September.
with elever as (

    select
        *,
        cast(extract(year from periode) as integer) as aar
    from {{ ref('int_skole__elev') }}
    where
        er_paa_opgoerelsesdagen
        and extract(month from periode) = 9
        -- as in int_skole__maal: a school is its owner's to deliver
        and ejer_kommunekode in (kommunekode, 'ingen', '0998')

),

-- Two municipalities may both have the pupil: then it goes where it went.
fundet_igen as (

    select
        f.kommunekode,
        n.periode,
        f.ejer_kommunekode,
        f.betaling_kommunekode,
        f.bopael_kommunekode,
        f.institutionstype,
        f.klassetrin,
        f.klassetype,
        n.institutionstype as institutionstype_nu,
        n.klassetrin as klassetrin_nu,
        n.klassetype as klassetype_nu,
        row_number() over (
            partition by f.kommunekode, f.periode, f.person_id
            order by
                case when n.kommunekode = f.kommunekode then 0 else 1 end,
                n.kommunekode asc
        ) as nr
    from elever as f
    inner join elever as n
        on
            f.person_id = n.person_id
            and f.aar + 1 = n.aar

),

raekker as (

    {%- for maal, hvor in [('elever_ved_skolestart', 'true'), ('elever_der_fylder_syv', 'foedselsaar <= aar - 7')] %}
    select
        '{{ maal }}' as maal,
        kommunekode,
        periode,
        ejer_kommunekode,
        betaling_kommunekode,
        bopael_kommunekode,
        institutionstype,
        klassetrin,
        klassetype,
        '-' as institutionstype_nu,
        '-' as klassetrin_nu,
        '-' as klassetype_nu
    from elever
    where {{ hvor }}
    union all
    {%- endfor %}
    select
        'elever_fra_sidste_skolestart' as maal,
        kommunekode,
        periode,
        ejer_kommunekode,
        betaling_kommunekode,
        bopael_kommunekode,
        institutionstype,
        klassetrin,
        klassetype,
        institutionstype_nu,
        klassetrin_nu,
        klassetype_nu
    from fundet_igen
    where nr = 1

),

final as (

    select
        maal,
        kommunekode,
        periode,
        ejer_kommunekode,
        betaling_kommunekode,
        bopael_kommunekode,
        institutionstype,
        klassetrin,
        klassetype,
        institutionstype_nu,
        klassetrin_nu,
        klassetype_nu,
        cast(count(*) as integer) as antal_elever
    from raekker
    group by
        maal,
        kommunekode,
        periode,
        ejer_kommunekode,
        betaling_kommunekode,
        bopael_kommunekode,
        institutionstype,
        klassetrin,
        klassetype,
        institutionstype_nu,
        klassetrin_nu,
        klassetype_nu

)

select * from final
