with kilde as (

    select * from {{ source('fujitsu_prisme', 'finanspostering') }}

),

final as (

    select
        -- oprindelse
        _leverance_id,
        _fil,
        _linje,
        _kommunekode as kommunekode,
        'fujitsu_prisme' as kildesystem,
        trim(journalnummer) || '-' || trim(linjenummer) as kilde_id,
        'finanspostering' as tabel,

        -- tid
        {{ som_heltal('regnskabsaar') }} as regnskabsaar,
        {{ som_heltal('periode') }} as regnskabsperiode,
        _periode as leveret_periode,

        -- konto
        'regnskab' as vaerditype_kildekode,
        {{ kontostreng_del("split_part(dimension, '-', 2)", 9, 'funktion') }} as funktion,
        {{ kontostreng_del("split_part(dimension, '-', 2)", 9, 'dranst') }} as dranst,
        {{ tekst('ejerforhold') }} as ejerforhold,
        {{ kontostreng_del("split_part(dimension, '-', 2)", 9, 'gruppering') }} as gruppering,
        {{ tekst('art') }} as art,

        -- bilag og beløb
        {{ tekst('journalnummer') }} as bilag_id,
        {{ som_dato('bogfoeringsdato', 'yyyy-MM-dd') }} as bogfoeringsdato,
        {{ som_beloeb('beloeb', 'punktum') }} as beloeb_kr,
        _lokale_felter

    from kilde

)

select * from final
