{{ maanedsvis_fuldstaendighed('personale', {
    'ansaettelse': 'int_personale__ansaettelse',
    'fravaer': 'int_personale__fravaer',
    'loenlinje': 'int_personale__loenlinje',
}) }}
