with kilde as (

    select * from {{ source('ist', 'specialundervisning') }}

),

final as (

    select
        -- oprindelse
        _leverance_id,
        _fil,
        _linje,
        _kommunekode as kommunekode,
        'ist' as kildesystem,
        'specialundervisning' as tabel,
        _periode as leveret_periode,

        -- specialundervisning
        {{ tekst('id') }} as foranstaltning_id,
        {{ tekst('elev_id') }} as elev_id,
        {{ som_cpr('cpr') }} as cpr,
        {{ tekst('tilbud') }} as tilbudstype_kildekode,
        {{ som_timer('timer', '[.]') }} as timer_pr_uge,
        {{ tekst('takst') }} as takstgruppe,
        {{ som_dato('visiteret', 'yyyyMMdd') }} as visitationsdato,
        {{ som_dato('fra', 'yyyyMMdd') }} as gyldig_fra,
        {{ aaben_slut('til', dagen_efter(som_dato('til', 'yyyyMMdd'))) }} as gyldig_til
    from kilde

)

select * from final
