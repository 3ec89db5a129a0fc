with kilde as (

    select * from {{ source('kmd_elev', 'specialundervisning') }}

),

final as (

    select
        -- oprindelse
        _leverance_id,
        _fil,
        _linje,
        _kommunekode as kommunekode,
        'kmd_elev' as kildesystem,
        'specialundervisning' as tabel,
        _periode as leveret_periode,

        -- specialundervisning
        {{ tekst('foranstaltning_id') }} as foranstaltning_id,
        {{ tekst('elevident') }} as elev_id,
        {{ som_cpr('cprnr') }} as cpr,
        {{ tekst('tilbudstype') }} as tilbudstype_kildekode,
        {{ som_timer('timer_pr_uge') }} as timer_pr_uge,
        {{ tekst('takstgruppe') }} as takstgruppe,
        {{ som_dato('visitationsdato', 'dd-MM-yyyy') }} as visitationsdato,
        {{ som_dato('startdato', 'dd-MM-yyyy') }} as gyldig_fra,
        {{ aaben_slut('slutdato', dagen_efter(som_dato('slutdato', 'dd-MM-yyyy'))) }} as gyldig_til
    from kilde

)

select * from final
