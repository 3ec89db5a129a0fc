with kilde as (

    select * from {{ source('oes_indsigt', 'saldo') }}

),

final as (

    select
        -- oprindelse
        _leverance_id,
        _fil,
        _linje,
        _kommunekode as kommunekode,
        'oes_indsigt' as kildesystem,
        trim(ktonr) || '-' || trim(rgnaar) || '-' || substr(trim(periode), 5, 2) as kilde_id,
        'saldo' as tabel,

        -- tid
        {{ som_heltal('rgnaar') }} as regnskabsaar,
        {{ som_heltal('substr(trim(periode), 5, 2)') }} as regnskabsperiode,
        _periode as leveret_periode,

        -- konto
        'regnskab' as vaerditype_kildekode,
        {{ kontostreng_del('trim(ktonr)', 16, 'funktion') }} as funktion,
        {{ kontostreng_del('trim(ktonr)', 16, 'dranst') }} as dranst,
        {{ kontostreng_del('trim(ktonr)', 16, 'ejerforhold') }} as ejerforhold,
        {{ kontostreng_del('trim(ktonr)', 16, 'gruppering') }} as gruppering,
        {{ kontostreng_del('trim(ktonr)', 16, 'art') }} as art,

        -- bilag og beløb: en saldo har hverken bilag eller dato
        cast(null as string) as bilag_id,
        cast(null as date) as bogfoeringsdato,
        {{ som_beloeb('saldo', 'oere') }} as beloeb_kr,
        _lokale_felter

    from kilde

)

select * from final
