with kilde as (

    select * from {{ source('oes_indsigt', 'budget') }}

),

final as (

    select
        -- oprindelse
        _leverance_id,
        _fil,
        _linje,
        _kommunekode as kommunekode,
        'oes_indsigt' as kildesystem,
        trim(ktonr) || '-' || trim(rgnaar) || '-' || trim(budgettype) || '-' || trim(budgetdato) as kilde_id,
        'budget' as tabel,

        -- tid
        {{ som_heltal('rgnaar') }} as regnskabsaar,
        {{ som_heltal('substr(trim(budgetdato), 3, 2)') }} as regnskabsperiode,
        _periode as leveret_periode,

        -- konto
        trim(budgettype) as vaerditype_kildekode,
        {{ kontostreng_del('trim(ktonr)', 16, 'funktion') }} as funktion,
        {{ kontostreng_del('trim(ktonr)', 16, 'dranst') }} as dranst,
        {{ kontostreng_del('trim(ktonr)', 16, 'ejerforhold') }} as ejerforhold,
        {{ kontostreng_del('trim(ktonr)', 16, 'gruppering') }} as gruppering,
        {{ kontostreng_del('trim(ktonr)', 16, 'art') }} as art,

        -- bilag og beløb
        cast(null as string) as bilag_id,
        {{ som_dato('budgetdato', 'ddMMyy') }} as bogfoeringsdato,
        {{ som_beloeb('budget', 'oere') }} as beloeb_kr,
        _lokale_felter

    from kilde

)

select * from final
