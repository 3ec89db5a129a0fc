{%- set begreber = {
    'elevforloeb': 'int_skole__elevforloeb',
    'fravaer': 'int_skole__fravaer',
    'institution': 'int_skole__institution',
    'karakter': 'int_skole__karakter',
    'klasse': 'int_skole__klasse',
} %}
-- Every delivery is about one month, and takes the place of the one before for that month alone.
with leverancer as (

    {{ leverancernes_raekker('skole', begreber) }}

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

    {{ fuldstaendighed('skole', 'optalt') }}

)

select * from final
