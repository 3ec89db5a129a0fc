with kilde as (

    select * from {{ source('koer', 'budget') }}

),

final as (

    select
        -- oprindelse
        _leverance_id,
        _fil,
        _linje,
        _kommunekode as kommunekode,
        'koer' as kildesystem,
        trim(budgetnr) || '-' || trim(linje) as kilde_id,
        'budget' as tabel,

        -- tid
        {{ som_heltal('budgetaar') }} as regnskabsaar,
        {{ som_heltal('periode') }} as regnskabsperiode,
        _periode as leveret_periode,

        -- konto
        trim(budgettype) as vaerditype_kildekode,
        {{ funktion_af_cifre('trim(funkniv3)') }} as funktion,
        {{ tekst('dranst') }} as dranst,
        {{ tekst('ejer') }} as ejerforhold,
        {{ tekst('grupniv1') }} as gruppering,
        {{ art_af_cifre('trim(artniv2)') }} as art,

        -- bilag og beløb
        cast(null as string) as bilag_id,
        {{ som_dato('dato', 'excel') }} as bogfoeringsdato,
        {{ som_beloeb('beloeb_tkr', 'tusinde') }} as beloeb_kr,
        _lokale_felter

    from kilde

)

select * from final
