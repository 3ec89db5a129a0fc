with kilde as (

    select * from {{ source('kmd_elev', 'elev') }}

),

final as (

    select
        -- oprindelse
        _leverance_id,
        _fil,
        _linje,
        _kommunekode as kommunekode,
        'kmd_elev' as kildesystem,
        'elev' as tabel,
        _periode as leveret_periode,

        -- elevforløb
        {{ tekst('elevident') }} as elev_id,
        {{ som_cpr('cprnr') }} as cpr,
        {{ tekst('institutionsnr') }} as institutionsnummer,
        {{ tekst('klasse_id') }} as klasse_id,
        {{ tekst('klassetrin') }} as klassetrin_kildekode,
        {{ tekst('elevtype') }} as elevtype_kildekode,
        case trim(tosproget) when 'J' then true when 'N' then false end as er_tosproget,
        {{ tekst('skoledistrikt') }} as skoledistrikt,
        {{ som_kommunekode('betalingskommune') }} as betaling_kommune_kildekode,
        {{ som_kommunekode('tilhoerskommune_cpr') }} as tilhoer_kommune_kildekode,
        {{ som_kommunekode('bopaelskommune') }} as bopael_kommune_kildekode,
        {{ som_kommunekode('bopaelskommune_cpr') }} as cpr_kommune_kildekode,
        {{ tekst('skoleaar') }} as skoleaar,
        {{ som_dato('startdato', 'dd-MM-yyyy') }} as gyldig_fra,
        {{ aaben_slut('slutdato', dagen_efter(som_dato('slutdato', 'dd-MM-yyyy'))) }} as gyldig_til,
        {{ som_heltal('skoledage') }} as skoledage,
        _lokale_felter
    from kilde

)

select * from final
