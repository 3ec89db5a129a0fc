with kilde as (

    select * from {{ source('ist', 'elev') }}

),

final as (

    select
        -- oprindelse
        _leverance_id,
        _fil,
        _linje,
        _kommunekode as kommunekode,
        'ist' as kildesystem,
        'elev' as tabel,
        _periode as leveret_periode,

        -- elevforløb
        {{ tekst('elev_id') }} as elev_id,
        {{ som_cpr('cpr') }} as cpr,
        {{ tekst('institution') }} as institutionsnummer,
        {{ tekst('klasse_id') }} as klasse_id,
        {{ tekst("split_part(klasse, '.', 1)") }} as klassetrin_kildekode,
        {{ tekst('elevtype') }} as elevtype_kildekode,
        case trim(tosproget) when '1' then true when '0' then false end as er_tosproget,
        {{ tekst('distrikt') }} as skoledistrikt,
        {{ som_kommunekode('betalingskommune') }} as betaling_kommune_kildekode,
        {{ som_kommunekode('tilhoer_cpr') }} as tilhoer_kommune_kildekode,
        {{ som_kommunekode('bopael') }} as bopael_kommune_kildekode,
        {{ som_kommunekode('bopael_cpr') }} as cpr_kommune_kildekode,
        {{ tekst('skoleaar') }} as skoleaar,
        {{ som_dato('fra', 'yyyyMMdd') }} as gyldig_fra,
        {{ aaben_slut('til', dagen_efter(som_dato('til', 'yyyyMMdd'))) }} as gyldig_til,
        {{ som_heltal('skoledage') }} as skoledage,
        _lokale_felter
    from kilde

)

select * from final
