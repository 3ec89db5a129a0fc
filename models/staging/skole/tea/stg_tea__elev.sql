with kilde as (

    select * from {{ source('tea', 'elev') }}

),

final as (

    select
        -- oprindelse
        _leverance_id,
        _fil,
        _linje,
        _kommunekode as kommunekode,
        'tea' as kildesystem,
        'elev' as tabel,
        _periode as leveret_periode,

        -- elevforløb
        {{ tekst('id') }} as elev_id,
        {{ som_cpr('cpr') }} as cpr,
        {{ tekst('institution') }} as institutionsnummer,
        {{ tekst('klasse') }} as klasse_id,
        {{ tekst('grade') }} as klassetrin_kildekode,
        {{ tekst('elevtype') }} as elevtype_kildekode,
        case trim(tosproget) when 'true' then true when 'false' then false end as er_tosproget,
        {{ tekst('skoledistrikt') }} as skoledistrikt,
        {{ som_kommunekode('betaler') }} as betaling_kommune_kildekode,
        {{ som_kommunekode('tilhoer_cpr') }} as tilhoer_kommune_kildekode,
        {{ som_kommunekode('bopael') }} as bopael_kommune_kildekode,
        {{ som_kommunekode('bopael_cpr') }} as cpr_kommune_kildekode,
        {{ tekst('skoleaar') }} as skoleaar,
        {{ som_dato('fra', 'yyyy-MM-dd') }} as gyldig_fra,
        {{ aaben_slut('til', som_dato('til', 'yyyy-MM-dd')) }} as gyldig_til,
        {{ som_heltal('skoledage') }} as skoledage,
        _lokale_felter
    from kilde

)

select * from final
