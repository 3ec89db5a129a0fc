with kilde as (

    select * from {{ source('kmd_opus', 'zd1sl') }}

),

final as (

    select
        -- oprindelse
        _leverance_id,
        _fil,
        _linje,
        _kommunekode as kommunekode,
        'kmd_opus' as kildesystem,
        trim(ac_doc_no0) || '-' || trim(item_num0) as kilde_id,
        'zd1sl' as tabel,

        -- tid
        {{ som_heltal('fiscyear0') }} as regnskabsaar,
        {{ som_heltal('fiscper30') }} as regnskabsperiode,
        _periode as leveret_periode,

        -- konto
        trim(version0) || '|' || trim(vtype0) as vaerditype_kildekode,
        {{ funktion_af_cifre("substr(trim(zifunkt), 2)") }} as funktion,
        {{ tekst('zidranst') }} as dranst,
        {{ tekst('ziejerfh') }} as ejerforhold,
        {{ tekst("split_part(zigrupp, '/', 3)") }} as gruppering,
        {{ art_af_cifre('trim(ziart_im)') }} as art,

        -- bilag og beløb
        {{ tekst('ac_doc_no0') }} as bilag_id,
        {{ som_dato('pstng_date0', 'dd.MM.yyyy') }} as bogfoeringsdato,
        {{ som_beloeb('amount0', 'efterstillet_minus') }} as beloeb_kr,
        _lokale_felter

    from kilde

)

select * from final
