with kilde as (

    select * from {{ source('koebenhavn_loen', 'loenlinje') }}

),

final as (

    select
        -- oprindelse
        _leverance_id,
        _fil,
        _linje,
        _kommunekode as kommunekode,
        'koebenhavn_loen' as kildesystem,
        'loenlinje' as tabel,
        _periode as leveret_periode,

        -- lønlinje
        {{ tekst('tjenestenr') }} as ansaettelse_id,
        {{ tekst('linje') }} as linjenummer,
        {{ som_cpr('cpr') }} as cpr,
        {{ tekst('loenart') }} as loenart_kildekode,

        -- konto
        {{ kontostreng_del('trim(konto)', 12, 'funktion') }} as funktion,
        {{ kontostreng_del('trim(konto)', 12, 'dranst') }} as dranst,
        {{ kontostreng_del('trim(konto)', 12, 'ejerforhold') }} as ejerforhold,
        {{ kontostreng_del('trim(konto)', 12, 'gruppering') }} as gruppering,
        {{ kontostreng_del('trim(konto)', 12, 'art') }} as art,

        -- mål
        {{ som_timer('timer') }} as timer,
        {{ som_beloeb('beloeb', 'komma') }} as beloeb_kr
    from kilde

)

select * from final
