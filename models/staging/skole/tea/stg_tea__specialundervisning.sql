with kilde as (

    select * from {{ source('tea', 'specialundervisning') }}

),

final as (

    select
        -- oprindelse
        _leverance_id,
        _fil,
        _linje,
        _kommunekode as kommunekode,
        'tea' as kildesystem,
        'specialundervisning' as tabel,
        _periode as leveret_periode,

        -- specialundervisning
        {{ tekst('id') }} as foranstaltning_id,
        {{ tekst('elev') }} as elev_id,
        {{ som_cpr('cpr') }} as cpr,
        {{ tekst('tilbud') }} as tilbudstype_kildekode,
        cast(round({{ som_heltal('minutter_pr_uge') }} / 60.0, 2) as decimal(9, 2)) as timer_pr_uge,
        {{ tekst('takstgruppe') }} as takstgruppe,
        {{ som_dato('visiteret', 'yyyy-MM-dd') }} as visitationsdato,
        {{ som_dato('fra', 'yyyy-MM-dd') }} as gyldig_fra,
        {{ aaben_slut('til', som_dato('til', 'yyyy-MM-dd')) }} as gyldig_til
    from kilde

)

select * from final
