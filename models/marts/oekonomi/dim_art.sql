with arter as (

    select * from {{ ref('kontoplan_art') }}

),

bogfoert as (

    select distinct art from {{ ref('fct_oekonomi__bevaegelse') }}

),

-- An art that occurs without being in the authorised plan gets a flagged member, so that no amount loses its art.
udledte as (

    select b.art
    from bogfoert as b
    left join arter as a on b.art = a.art
    where a.art is null and b.art is not null

),

final as (

    select
        art,
        artsnavn,
        hovedart,
        hovedartsnavn,
        artstype,
        false as er_udledt
    from arter

    union all

    select
        art,
        'Ukendt art' as artsnavn,
        substr(art, 1, 1) as hovedart,
        cast(null as string) as hovedartsnavn,
        'ukendt' as artstype,
        true as er_udledt
    from udledte

)

select * from final
