{{ maanedsvis_fuldstaendighed('skole', {
    'elevforloeb': 'int_skole__elevforloeb',
    'fravaer': 'int_skole__fravaer',
    'institution': 'int_skole__institution',
    'karakter': 'int_skole__karakter',
    'klasse': 'int_skole__klasse',
}) }}
