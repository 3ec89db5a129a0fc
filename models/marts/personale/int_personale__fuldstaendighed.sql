{%- set begreber = {
    'ansaettelse': 'int_personale__ansaettelse',
    'fravaer': 'int_personale__fravaer',
    'loenlinje': 'int_personale__loenlinje',
} %}
-- Every delivery is about one month, and takes the place of the one before for that month alone.
with leverancer as (

    {{ leverancernes_raekker('personale', begreber) }}

),

optalt as (

    select
        kommunekode,
        begreb,
        periode,
        sum(antal_raekker) as antal_raekker,
        sum(antal_frasat) as antal_frasat
    from leverancer
    group by
        kommunekode,
        begreb,
        periode

),

final as (

    {{ fuldstaendighed('personale', 'optalt') }}

)

select * from final
