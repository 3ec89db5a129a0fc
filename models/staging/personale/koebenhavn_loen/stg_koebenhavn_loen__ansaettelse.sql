with kilde as (

    select * from {{ source('koebenhavn_loen', 'ansaettelse') }}

),

final as (

    select
        -- oprindelse
        _leverance_id,
        _fil,
        _linje,
        _kommunekode as kommunekode,
        'koebenhavn_loen' as kildesystem,
        'ansaettelse' as tabel,
        _periode as leveret_periode,

        -- ansættelse
        {{ tekst('tjenestenr') }} as ansaettelse_id,
        {{ som_cpr('cpr') }} as cpr,
        {{ tekst('enhed') }} as enhed_id,
        {{ tekst('overenskomst') }} as overenskomst_kildekode,
        {{ tekst('stilling') }} as stillingsbetegnelse,
        {{ tekst('form') }} as ansaettelsesform_kildekode,
        {{ tekst('status') }} as ansaettelsesstatus_kildekode,
        {{ som_dato('ansat', 'dd-MM-yyyy') }} as ansat_dato,
        {{ aaben_slut('fratraadt', dagen_efter(som_dato('fratraadt', 'dd-MM-yyyy'))) }} as fratraadt_dato,

        -- mål
        case
            when {{ tekst('grad') }} is null then {{ grad_af_timer(som_beloeb('timer', 'komma')) }}
            else {{ grad_af(som_beloeb('grad', 'komma'), '100') }}
        end as beskaeftigelsesgrad,
        case trim(leder) when 'J' then true when 'N' then false end as er_leder,
        false as er_slettet,
        false as er_afgang,
        _lokale_felter
    from kilde

)

select * from final
