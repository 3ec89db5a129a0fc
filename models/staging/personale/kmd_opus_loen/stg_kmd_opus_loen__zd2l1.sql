with kilde as (

    select * from {{ source('kmd_opus_loen', 'zd2l1') }}

),

final as (

    select
        -- oprindelse
        _leverance_id,
        _fil,
        _linje,
        _kommunekode as kommunekode,
        'kmd_opus_loen' as kildesystem,
        'zd2l1' as tabel,
        _periode as leveret_periode,

        -- lønlinje
        {{ tekst('job') }} as ansaettelse_id,
        {{ tekst('linjenummer') }} as linjenummer,
        {{ som_cpr('cpr_nummer') }} as cpr,
        {{ tekst('loenart') }} as loenart_kildekode,

        -- konto
        {{ funktion_af_cifre("substr(trim(funktion), 2)") }} as funktion,
        {{ tekst('dranst') }} as dranst,
        {{ tekst('ejerforhold') }} as ejerforhold,
        {{ tekst('gruppering') }} as gruppering,
        {{ art_af_cifre('trim(art)') }} as art,

        -- mål
        {{ som_timer('timer') }} as timer,
        {{ som_beloeb('beloeb', 'efterstillet_minus') }} as beloeb_kr
    from kilde

)

select * from final
