with funktioner as (

    select * from {{ ref('kontoplan_funktion') }}

),

hovedfunktioner as (

    select * from {{ ref('kontoplan_hovedfunktion') }}

),

hovedkonti as (

    select * from {{ ref('kontoplan_hovedkonto') }}

),

dranster as (

    select * from {{ ref('kontoplan_dranst') }}

),

grupperinger as (

    select * from {{ ref('kontoplan_gruppering') }}

),

bevaegelser as (

    select * from {{ ref('fct_oekonomi__bevaegelse') }}

),

-- Every authorised combination, with the years in which both the function and the grouping are valid.
autoriserede as (

    select
        f.funktion,
        d.dranst,
        g.gruppering,
        g.grupperingsnavn,
        greatest(f.gyldig_fra_aar, g.gyldig_fra_aar) as gyldig_fra_aar,
        least(f.gyldig_til_aar, g.gyldig_til_aar) as gyldig_til_aar
    from funktioner as f
    inner join dranster as d on f.hovedkonto = d.hovedkonto
    inner join grupperinger as g
        on
            (f.funktion = g.funktion or g.funktion = '*')
            and (d.dranst = g.dranst or g.dranst = '*')
            and f.gyldig_fra_aar <= g.gyldig_til_aar
            and g.gyldig_fra_aar <= f.gyldig_til_aar

),

bogfoerte as (

    select distinct
        konto_id,
        funktion,
        dranst,
        gruppering,
        regnskabsaar
    from bevaegelser

),

-- A local account without a match is not dropped: it becomes a flagged member for each year it occurs in, with the first thing that is wrong with it.
uden_match as (

    select
        b.konto_id,
        b.funktion,
        b.dranst,
        b.gruppering,
        b.regnskabsaar,
        case
            when f.funktion is null then 'ukendt_funktion'
            when d.dranst is null then 'ulovlig_dranst'
            else 'ukendt_gruppering'
        end as match_status
    from bogfoerte as b
    left join autoriserede as a
        on
            b.funktion = a.funktion
            and b.dranst = a.dranst
            and b.gruppering = a.gruppering
            and b.regnskabsaar between a.gyldig_fra_aar and a.gyldig_til_aar
    left join funktioner as f
        on b.funktion = f.funktion and b.regnskabsaar between f.gyldig_fra_aar and f.gyldig_til_aar
    left join dranster as d
        on f.hovedkonto = d.hovedkonto and b.dranst = d.dranst
    where a.funktion is null

),

medlemmer as (

    select
        funktion || '.' || dranst || '.' || gruppering as konto_id,
        funktion,
        dranst,
        gruppering,
        grupperingsnavn,
        gyldig_fra_aar,
        gyldig_til_aar,
        false as er_udledt,
        'autoriseret' as match_status
    from autoriserede

    union all

    select
        konto_id,
        funktion,
        dranst,
        gruppering,
        cast(null as string) as grupperingsnavn,
        regnskabsaar as gyldig_fra_aar,
        regnskabsaar as gyldig_til_aar,
        true as er_udledt,
        match_status
    from uden_match

),

dranstnavne as (

    select
        dranst,
        min(dranstnavn) as dranstnavn
    from dranster
    group by dranst

),

funktionsnavne as (

    select
        funktion,
        max_by(funktionsnavn, gyldig_fra_aar) as funktionsnavn
    from funktioner
    group by funktion

),

final as (

    select
        m.konto_id,
        m.gyldig_fra_aar,
        m.gyldig_til_aar,
        substr(m.funktion, 1, 1) as hovedkonto,
        hk.hovedkontonavn,
        substr(m.funktion, 1, 4) as hovedfunktion,
        hf.hovedfunktionsnavn,
        m.funktion,
        f.funktionsnavn,
        m.dranst,
        d.dranstnavn,
        m.gruppering,
        m.grupperingsnavn,
        m.er_udledt,
        m.match_status
    from medlemmer as m
    left join hovedkonti as hk on substr(m.funktion, 1, 1) = hk.hovedkonto
    left join hovedfunktioner as hf on substr(m.funktion, 1, 4) = hf.hovedfunktion
    left join funktionsnavne as f on m.funktion = f.funktion
    left join dranstnavne as d on m.dranst = d.dranst

)

select * from final
