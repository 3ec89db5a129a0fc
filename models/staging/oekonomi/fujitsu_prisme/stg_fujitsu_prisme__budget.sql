with kilde as (

    select * from {{ source('fujitsu_prisme', 'budget') }}

),

final as (

    select
        -- oprindelse
        _leverance_id,
        _fil,
        _linje,
        _kommunekode as kommunekode,
        'fujitsu_prisme' as kildesystem,
        trim(budgetregister) || '-' || trim(linjenummer) as kilde_id,
        'budget' as tabel,

        -- tid
        {{ som_heltal('regnskabsaar') }} as regnskabsaar,
        {{ som_heltal('periode') }} as regnskabsperiode,
        _periode as leveret_periode,

        -- konto
        trim(budgetmodel) as vaerditype_kildekode,
        {{ kontostreng_del("split_part(dimension, '-', 2)", 9, 'funktion') }} as funktion,
        {{ kontostreng_del("split_part(dimension, '-', 2)", 9, 'dranst') }} as dranst,
        {{ tekst('ejerforhold') }} as ejerforhold,
        {{ kontostreng_del("split_part(dimension, '-', 2)", 9, 'gruppering') }} as gruppering,
        {{ tekst('art') }} as art,

        -- bilag og beløb
        cast(null as string) as bilag_id,
        {{ som_dato('dato', 'yyyy-MM-dd') }} as bogfoeringsdato,
        {{ som_beloeb('beloeb', 'punktum') }} as beloeb_kr,
        _lokale_felter

    from kilde

)

select * from final
