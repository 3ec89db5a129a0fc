"""Skole: each school system's way of writing a month, and the same rows as truth."""

from __future__ import annotations

import shutil
from datetime import date

from flis.demo.personale_filer import elements, escaped, last_day
from flis.demo.skriv import write_files
from flis.demo.verden import Verden
from flis.demo.voksne_handicap import rows

LOCAL_FIELD, LOCAL_NAME = "0751", "LOKAL_HOLD"         # delivers it beside the contract's columns
UNKNOWN_MUNICIPALITY = "0999"                           # what a school writes that does not know where a pupil lives (SK-21)
LAST = 1_000_000_000_000                                # the place of a file's last line
KIND = 10_000_000                                       # the places that each kind of record has in TEA's file

# How each system writes a code: KMD Elev, TEA, IST.
TYPE_WORDS = [
    ("1011", "1011", "efterskole", "EFT"),
    ("1012", "1012", "folkeskole", "FOL"),
    ("1013", "1013", "privatskole", "FRI"),
    ("1014", "1014", "ungdomsskole", "UNG"),
    ("1015", "1015", "specialskole", "SPE"),
    ("1016", "1016", "dagbehandling", "DAG"),
]
CLASS_WORDS = [
    ("40", "40", "normal", "NO"),
    ("41", "41", "ikke årgangsdelt", "NI"),
    ("45", "45", "20/20", "TT"),
    ("46", "46", "eud10", "EU"),
    ("50", "50", "special", "SP"),
    ("54", "54", "modtagelse", "MO"),
    ("55", "55", "tosprogede", "TO"),
]
# The last is one that nobody knows (SK-21).
PUPIL_WORDS = [("almen", "N", "almen", "1"), ("special", "S", "special", "2"), ("ukendt", "X", "gæst", "9")]
ABSENCE_WORDS = [("sygdom", "S", "sygdom", "10"), ("ekstraordinaer_frihed", "E", "lovligt", "20"), ("ulovligt", "U", "ulovligt", "30")]
SUPPORT_WORDS = [("stoette", "1", "støtte", "STK"), ("specialklasse", "2", "specialklasse", "SPK"), ("specialskole", "3", "specialskole", "SPS"), ("dagbehandling", "4", "dagbehandling", "DAG")]
SUBJECT_WORDS = [
    ("dansk_laesning", "DAN-LÆS", "Dansk, læsning", "1010"),
    ("dansk_retskrivning", "DAN-RET", "Dansk, retskrivning", "1011"),
    ("dansk_skriftlig", "DAN-SKR", "Dansk, skriftlig fremstilling", "1012"),
    ("dansk_mundtlig", "DAN-MDT", "Dansk, mundtlig", "1013"),
    ("matematik_uden", "MAT-UDN", "Matematik uden hjælpemidler", "2010"),
    ("matematik_med", "MAT-MED", "Matematik med hjælpemidler", "2011"),
    ("engelsk_mundtlig", "ENG-MDT", "Engelsk, mundtlig", "3010"),
    ("naturfag", "NAT-FÆL", "Fysik/kemi, biologi og geografi", "4010"),
    ("historie", "HIS-MDT", "Historie", "5010"),
    ("samfundsfag", "SAM-MDT", "Samfundsfag", "5020"),
    ("kristendom", "KRI-MDT", "Kristendomskundskab", "5030"),
    ("tysk", "TYS-MDT", "Tysk", "6010"),
    ("fransk", "FRA-MDT", "Fransk", "6020"),
    ("idraet", "IDR-PRA", "Idræt", "7010"),
]
EXAM_WORDS = [("bunden", "B", "bunden", "1"), ("udtraek", "U", "udtræk", "2"), ("aarskarakter", "Å", "årskarakter", "3")]
WORDS = [("i_ord", TYPE_WORDS), ("k_ord", CLASS_WORDS), ("e_ord", PUPIL_WORDS), ("f_ord", ABSENCE_WORDS), ("s_ord", SUPPORT_WORDS), ("g_ord", SUBJECT_WORDS), ("p_ord", EXAM_WORDS)]

KMD_HEADERS = {
    "institution": "kommune;institutionsnr;institutionsnavn;institutionstype;ejerkommune;startdato;slutdato",
    "klasse": "institutionsnr;KlasseID;klassebetegnelse;klassetrin;klassetype;Skoleår",
    "elev": (
        "institutionsnr;elevident;cprnr;KlasseID;klassetrin;elevtype;tosproget;skoledistrikt;betalingskommune;TilhørskommuneCPR;Bopælskommune;BopælskommuneCPR;Skoleår;skoledage;"
        "startdato;slutdato"
    ),
    "fravaer": "elevident;cprnr;dato;Fraværskode;omfang",
    "specialundervisning": "ForanstaltningID;elevident;cprnr;tilbudstype;TimerPrUge;takstgruppe;visitationsdato;startdato;slutdato",
    "karakter": "institutionsnr;elevident;cprnr;klassetrin;fag;Prøvetype;dato;karakter",
}

# The table of a kind of record, and what it is joined with to be written.
TABLES = {
    "institution": ("inst", "inner join sk.i_ord as w on r.institutionstype = w.kode"),
    "klasse": ("klasse", "inner join sk.k_ord as w on r.klassetype = w.kode"),
    "elev": ("elev", "inner join sk.e_ord as w on r.elevtype = w.kode"),
    "fravaer": ("frav", "inner join sk.f_ord as w on r.art = w.kode"),
    "specialundervisning": ("spec", "inner join sk.s_ord as w on r.tilbud = w.kode"),
    "karakter": ("kar", "inner join sk.g_ord as g on r.fag = g.kode inner join sk.p_ord as w on r.proevetype = w.kode"),
}
SEEN = "not (d.forkert and r.orden % 2 = 0)"            # of a first delivery of absence with errors half is missing


def write_month(verden: Verden, month: date) -> None:
    """Write the files of the rows in the `sk.m_` tables, and the rows as a part of the truth."""
    words(verden)
    name_rows(verden, month)
    systems = {row[0] for row in verden.con.execute("select distinct kildesystem from sk.levering where periode = ?", [month]).fetchall()}
    for system, write in (("kmd_elev", write_kmd), ("tea", write_tea), ("ist", write_ist)):
        if system in systems:
            write(verden, month)
    add_truth(verden, month)


def words(verden: Verden) -> None:
    """The codes of this module as tables, so that the files are joined in SQL."""
    for name, values in WORDS:
        verden.con.execute(f"create table if not exists sk.{name} as select * from (values {rows(values)}) as t (kode, kmd, tea, ist)")


def system_code(column: str = "w") -> str:
    """SQL for the code that the row's own system writes."""
    return f"case r.kildesystem when 'kmd_elev' then {column}.kmd when 'tea' then {column}.tea else {column}.ist end"


def name_rows(verden: Verden, month: date) -> None:
    """The rows of the month's six tables with their keys and their order in the file: the `sk.r_` tables."""
    con, stamp = verden.con, f"'{month:%Y%m}'"

    def order(*keys: str) -> str:
        return f"row_number() over (partition by r.kommunekode order by {', '.join(keys)}) as orden"

    con.execute(f"create or replace table sk.r_inst as select r.*, r.institutionsnummer || '-' || {stamp} as kilde_id, {order('r.nr')} from sk.m_inst as r")
    con.execute(f"create or replace table sk.r_klasse as select r.*, r.klasse_id || '-' || {stamp} as kilde_id, {order('r.klassenr')} from sk.m_klasse as r")
    con.execute(f"""
        create or replace table sk.r_elev as
        select
            r.*, r.elev_id || '-' || {stamp} || '-' || strftime(r.fra, '%Y%m%d') as kilde_id, {order('r.elevnr', 'r.fra', 'r.nr')},
            -- a team of its own in some schools of one municipality
            case when r.kommunekode = '{LOCAL_FIELD}' and r.kildesystem = 'kmd_elev' and r.aarsag is null and {verden.chance("'sk'", 'r.nr', "'hold'")} < 0.3
                then 'Hold ' || (1 + {verden.pick(40, "'sk'", 'r.nr')}) end as hold
        from sk.m_elev as r
    """)
    con.execute(f"""
        create or replace table sk.r_frav as
        select r.*, r.elev_id || '-' || strftime(r.dato, '%Y%m%d') || '-' || {system_code()} as kilde_id, {order('r.elev_id', 'r.dato', 'r.art', 'r.aarsag nulls first')}
        from sk.m_frav as r
        inner join sk.f_ord as w on r.art = w.kode
    """)
    con.execute(f"create or replace table sk.r_spec as select r.*, r.foranstaltning_id || '-' || {stamp} as kilde_id, {order('r.foranstaltning_nr')} from sk.m_spec as r")
    con.execute(f"""
        create or replace table sk.r_kar as
        select r.*, r.elev_id || '-' || {stamp} || '-' || {system_code('g')} || '-' || {system_code()} as kilde_id, {order('r.elev_id', 'r.dato', 'r.fag_nr')}
        from sk.m_kar as r
        {TABLES['karakter'][1]}
    """)


def deliveries_of(system: str, month: date, kind: str) -> str:
    """SQL: the deliveries of a system's month, with what file names are made of. Only absence is sent twice, and only absence never comes or is refused."""
    lost = "coalesce(u.slags, '') <> 'udeblevet'" if kind == "fravaer" else "true"
    return f"""
        (
            select
                l.*, right(l.kommunekode, 3) as kom3, strftime(l.periode, '%Y%m') as aaaamm, strftime(l.udtrukket, '%Y%m%d') as aaaammdd, coalesce(u.slags = 'afvist', false) as afvist
            from sk.levering as l
            left join sk.uden_fravaer as u on l.kommunekode = u.kommunekode and l.periode = (select max(m.periode) from sk.maaned as m)
            where l.kildesystem = '{system}' and l.periode = date '{month}' and (l.gang = 0 or {kind == 'fravaer'}) and {lost}
        ) as d
    """


def day(column: str, form: str) -> str:
    """SQL for a date as text."""
    return f"strftime({column}, '{form}')"


def write_kmd(verden: Verden, month: date) -> None:
    """KMD Elev: six files with semicolons, Windows-1252, DD-MM-YYYY, decimal comma, municipalities of three digits, CPR numbers with a hyphen, and an end record that counts."""
    system, form = "kmd_elev", "%d-%m-%Y"
    cpr = "substr(r.cpr, 1, 6) || '-' || substr(r.cpr, 7)"

    def kom3(column: str) -> str:
        return f"coalesce(right({column}, 3), '')"

    def two(column: str) -> str:
        return f"lpad(cast({column} as varchar), 2, '0')"

    def comma(column: str) -> str:
        return f"coalesce(replace(cast({column} as varchar), '.', ','), '')"

    year = "r.aar || '/' || (r.aar + 1)"
    local = f"d.kommunekode = '{LOCAL_FIELD}'"
    contents = {
        "institution": f"concat_ws(';', d.kom3, r.institutionsnummer, r.navn, w.kmd, {kom3('r.ejer')}, {day('r.fra', form)}, {last_day('r.til', form, '')})",
        "klasse": f"concat_ws(';', r.institutionsnummer, r.klasse_id, r.trin || r.bogstav, {two('r.trin')}, w.kmd, {year})",
        "elev": f"""
            concat_ws(';',
                r.institutionsnummer, r.elev_id, {cpr}, coalesce(r.klasse_id, ''), {two('r.trin')}, w.kmd, case when r.tosproget then 'J' when not r.tosproget then 'N' else '' end,
                coalesce(r.distrikt, ''), {kom3('r.betaling')}, {kom3('r.tilhoer')}, {kom3('r.bopael')}, {kom3('r.bopael_cpr')}, {year}, coalesce(r.skoledage_tekst, cast(r.skoledage as varchar)),
                {day('r.fra', form)}, {last_day('r.til', form, '')}
            ) || case when {local} then ';' || coalesce(r.hold, '') else '' end
        """,
        "fravaer": f"concat_ws(';', r.elev_id, {cpr}, {day('r.dato', form)}, w.kmd, coalesce(r.andel_tekst, {comma('r.andel')}))",
        "specialundervisning": f"""
            concat_ws(';',
                r.foranstaltning_id, r.elev_id, {cpr}, w.kmd, {comma('r.timer')}, coalesce(r.takst, ''), {day('r.visiteret', form)}, {day('r.fra', form)}, {last_day('r.til', form, '')}
            )
        """,
        # two ways of writing the same mark
        "karakter": f"""
            concat_ws(';',
                r.institutionsnummer, r.elev_id, {cpr}, {two('r.trin')}, g.kmd, w.kmd, {day('r.dato', form)},
                coalesce(r.karakter_tekst, case when r.fag_nr % 2 = 0 and r.karakter in ('02', '00') then right(r.karakter, 1) else r.karakter end)
            )
        """,
    }
    for kind, line in contents.items():
        path = f"'kmd/KE_{kind.upper()}_' || d.kom3 || '_' || d.aaaamm || '_' || d.aaaammdd || '.csv'"
        header = f"'{KMD_HEADERS[kind]}'"
        if kind == "elev":
            header += f" || case when {local} then ';{LOCAL_NAME}' else '' end"
        if kind == "fravaer":
            header += " || case when d.afvist then '2' else '' end"
        table, joins = TABLES[kind]
        deliveries, seen = deliveries_of(system, month, kind), SEEN if kind == "fravaer" else "true"
        write_files(verden, f"""
            select {path} as sti, d.mtime, 0 as orden, {header} as tekst from {deliveries}
            union all
            select {path}, d.mtime, r.orden, {line}
            from {deliveries}
            inner join sk.r_{table} as r on d.kommunekode = r.kommunekode
            {joins}
            where {seen}
            union all
            select {path}, d.mtime, {LAST}, 'SLUT;' || count(r.orden)
            from {deliveries}
            left join sk.r_{table} as r on d.kommunekode = r.kommunekode and {seen}
            group by all
        """, charset="windows-1252")


def tag(name: str, attributes: list[tuple[str, str]], content: str = "''") -> str:
    """SQL for an element with attributes."""
    return f"'<{name}' || " + " || ".join(f"' {key}=\"' || {value} || '\"'" for key, value in attributes) + f" || '>' || {content} || '</{name}>'"


def write_tea(verden: Verden, month: date) -> None:
    """TEA: one XML file: ISO-8859-1, ISO dates, decimal point, and ends that are the day after the last."""
    system, form = "tea", "%Y-%m-%d"
    path = "'tabulex/TEA_' || d.kommunekode || '_' || d.aaaamm || '_' || d.aaaammdd || '.xml'"
    grade = "case r.trin when 0 then 'BH' else cast(r.trin as varchar) end"
    year = "r.aar || '/' || (r.aar + 1)"
    until = f"case when r.til = date '9999-12-31' then '' else {day('r.til', form)} end"

    def given(column: str) -> str:
        return f"coalesce({column}, '')"

    contents = {
        "institution": tag("institution", [("nr", "r.institutionsnummer"), ("type", "w.tea")], elements([
            ("name", escaped("r.navn")), ("owner", given("r.ejer")), ("from", day("r.fra", form)), ("to", until),
        ])),
        "klasse": tag("class", [("id", "r.klasse_id"), ("institution", "r.institutionsnummer"), ("grade", grade), ("type", "w.tea")], elements([
            ("name", "r.trin || '. ' || r.bogstav"), ("schoolYear", year),
        ])),
        "elev": tag("pupil", [("id", "r.elev_id")], elements([
            ("cpr", "r.cpr"), ("institution", "r.institutionsnummer"), ("class", given("r.klasse_id")), ("grade", grade), ("pupilType", "w.tea"),
            ("bilingual", "case when r.tosproget then 'true' when not r.tosproget then 'false' else '' end"), ("district", given("r.distrikt")), ("payer", given("r.betaling")),
            ("cprMunicipality", given("r.tilhoer")), ("residence", given("r.bopael")), ("cprResidence", given("r.bopael_cpr")), ("schoolYear", year),
            ("schoolDays", "coalesce(r.skoledage_tekst, cast(r.skoledage as varchar))"), ("from", day("r.fra", form)), ("to", until),
        ])),
        "fravaer": tag("absence", [
            ("pupil", "r.elev_id"), ("cpr", "r.cpr"), ("date", day("r.dato", form)), ("kind", "w.tea"), ("part", "coalesce(r.andel_tekst, cast(r.andel as varchar))"),
        ]),
        "specialundervisning": tag("support", [("id", "r.foranstaltning_id")], elements([
            ("pupil", "r.elev_id"), ("cpr", "r.cpr"), ("kind", "w.tea"), ("minutesPerWeek", "coalesce(cast(cast(r.timer * 60 as integer) as varchar), '')"), ("rateGroup", given("r.takst")),
            ("decided", day("r.visiteret", form)), ("from", day("r.fra", form)), ("to", until),
        ])),
        "karakter": tag("mark", [("pupil", "r.elev_id"), ("cpr", "r.cpr"), ("institution", "r.institutionsnummer"), ("grade", "r.trin")], elements([
            ("subject", "g.tea"), ("kind", "w.tea"), ("date", day("r.dato", form)), ("value", "coalesce(r.karakter_tekst, r.karakter)"),
        ])),
    }
    parts = "".join(f"""
        union all
        select {path}, d.mtime, {place * KIND} + r.orden, {line}
        from {deliveries_of(system, month, 'alt')}
        inner join sk.r_{TABLES[kind][0]} as r on d.kommunekode = r.kommunekode
        {TABLES[kind][1]}
    """ for place, (kind, line) in enumerate(contents.items(), 1))
    write_files(verden, f"""
        select {path} as sti, d.mtime, t.orden, t.tekst
        from {deliveries_of(system, month, 'alt')}
        cross join (values (0, '<?xml version="1.0" encoding="iso-8859-1"?>'), (1, '<tea>'), ({LAST}, '</tea>')) as t (orden, tekst)
        {parts}
    """, charset="iso-8859-1")


def json_object(parts: list[tuple[str, str]]) -> str:
    """SQL for an object of texts; what is null is left out of none of them, but written as an empty text. A value that begins with a brace is an object itself."""
    def value(sql: str) -> str:
        return sql if sql.startswith("'{") else f"'\"' || coalesce({sql}, '') || '\"'"

    return "'{' || " + " || ', ' || ".join(f"'\"{key}\": ' || {value(sql)}" for key, sql in parts) + " || '}'"


def write_ist(verden: Verden, month: date) -> None:
    """IST: six files of JSON lines, YYYYMMDD, absence in per cent, and the grade in the class' name only. There is no
    file of absence in a month without school days, or of marks in one without exams; a municipality that has none, where others have, writes an empty line."""
    system, form = "ist", "%Y%m%d"
    year = "r.aar || '/' || (r.aar + 1)"
    until = last_day("r.til", form, "")
    contents = {
        "institution": [
            ("nummer", "r.institutionsnummer"), ("navn", "r.navn"), ("art", "w.ist"), ("ejerkommune", "r.ejer"), ("aabnet", day("r.fra", form)), ("lukket", until),
        ],
        "klasse": [("id", "r.klasse_id"), ("institution", "r.institutionsnummer"), ("klasse", "r.trin || '.' || r.bogstav"), ("type", "w.ist"), ("skoleaar", year)],
        "elev": [
            ("elev", json_object([
                ("id", "r.elev_id"), ("cpr", "r.cpr"), ("tosproget", "case when r.tosproget then '1' when not r.tosproget then '0' end"), ("distrikt", "r.distrikt"), ("bopael", "r.bopael"),
                ("bopael_cpr", "r.bopael_cpr"), ("tilhoer_cpr", "r.tilhoer"),
            ])),
            ("institution", "r.institutionsnummer"), ("klasse_id", "r.klasse_id"), ("klasse", "r.trin || '.' || coalesce(r.bogstav, 'A')"), ("elevtype", "w.ist"), ("betalingskommune", "r.betaling"),
            ("skoleaar", year), ("skoledage", "coalesce(r.skoledage_tekst, cast(r.skoledage as varchar))"), ("fra", day("r.fra", form)), ("til", until),
        ],
        "fravaer": [
            ("elev_id", "r.elev_id"), ("cpr", "r.cpr"), ("dato", day("r.dato", form)), ("type", "w.ist"),
            ("procent", "coalesce(r.andel_tekst, cast(cast(r.andel * 100 as integer) as varchar))"),
        ],
        "specialundervisning": [
            ("id", "r.foranstaltning_id"), ("elev_id", "r.elev_id"), ("cpr", "r.cpr"), ("tilbud", "w.ist"), ("timer", "cast(r.timer as varchar)"), ("takst", "r.takst"),
            ("visiteret", day("r.visiteret", form)), ("fra", day("r.fra", form)), ("til", until),
        ],
        "karakter": [
            ("elev_id", "r.elev_id"), ("cpr", "r.cpr"), ("institution", "r.institutionsnummer"), ("klasse", "r.trin || '.' || coalesce(r.bogstav, 'A')"), ("fag", "g.ist"), ("proeve", "w.ist"),
            ("dato", day("r.dato", form)), ("karakter", "coalesce(r.karakter_tekst, case when r.karakter in ('02', '00') then right(r.karakter, 1) else r.karakter end)"),
        ],
    }
    for kind, parts in contents.items():
        path = f"'ist/IST_{'SPECIAL' if kind == 'specialundervisning' else kind.upper()}_' || d.kommunekode || '_' || d.aaaamm || '_' || d.aaaammdd || '.jsonl'"
        table, joins = TABLES[kind]
        deliveries = deliveries_of(system, month, kind)
        if kind in ("fravaer", "karakter") and not verden.rows(f"(select 1 from {deliveries} semi join sk.r_{table} as r on d.kommunekode = r.kommunekode)"):
            continue
        write_files(verden, f"""
            select {path} as sti, d.mtime, 0 as orden, '' as tekst from {deliveries} anti join sk.r_{table} as r on d.kommunekode = r.kommunekode
            union all
            select {path}, d.mtime, r.orden, {json_object(parts)}
            from {deliveries}
            inner join sk.r_{table} as r on d.kommunekode = r.kommunekode
            {joins}
        """, newline="\n")


def add_truth(verden: Verden, month: date) -> None:
    """The month's rows as they should come out, as a part of each truth."""
    con = verden.con
    period = f"date '{month}' as periode"
    year = "r.aar || '/' || (r.aar + 1)"
    name = "case r.kildesystem when 'kmd_elev' then r.trin || r.bogstav when 'tea' then r.trin || '. ' || r.bogstav else r.trin || '.' || r.bogstav end"
    grade = "lpad(cast(r.trin as varchar), 2, '0')"
    person = "inner join borger.person_id as p on r.person_nr = p.person_nr"
    parts = {
        "std_skole__institution": f"""
            select
                r.kommunekode, {period}, r.institutionsnummer, r.navn as institutionsnavn, r.institutionstype, r.ejer as ejer_kommunekode, r.fra as gyldig_fra, r.til as gyldig_til,
                r.kildesystem, r.kilde_id
            from sk.r_inst as r
            where r.instrueret
        """,
        "std_skole__klasse": f"""
            select
                r.kommunekode, {period}, r.klasse_id, r.institutionsnummer, {name} as klassebetegnelse, {grade} as klassetrin, r.klassetype, {year} as skoleaar, r.kildesystem, r.kilde_id
            from sk.r_klasse as r
            where r.instrueret
        """,
        "std_skole__elevforloeb": f"""
            select
                r.kommunekode, {period}, r.elev_id, p.person_id, cast(year(f.foedselsdato) as integer) as foedselsaar, r.institutionsnummer, r.klasse_id, {grade} as klassetrin,
                r.elevtype, r.tosproget as er_tosproget,
                r.distrikt as skoledistrikt, r.betaling as betaling_kommunekode, r.tilhoer as tilhoer_kommunekode,
                case when coalesce(r.bopael_cpr, r.bopael) = '{UNKNOWN_MUNICIPALITY}' then '0998' else coalesce(r.bopael_cpr, r.bopael) end as bopael_kommunekode,
                r.bopael_cpr is not null as har_cpr_bopael, {year} as skoleaar, r.skoledage, r.fra as gyldig_fra, r.til as gyldig_til, r.kildesystem, r.kilde_id
            from sk.r_elev as r
            {person}
            inner join verden.person as f on r.person_nr = f.person_nr
            where r.instrueret and r.aarsag is null
        """,
        "std_skole__fravaer": f"""
            select
                r.kommunekode, {period}, r.elev_id, p.person_id, r.dato, r.art as fravaersart, r.andel, r.kildesystem, r.kilde_id
            from sk.r_frav as r
            {person}
            where r.instrueret and r.aarsag is null
        """,
        "std_skole__specialundervisning": f"""
            select
                r.kommunekode, {period}, r.foranstaltning_id, r.elev_id, p.person_id, r.tilbud as tilbudstype, r.timer as timer_pr_uge, r.takst as takstgruppe, r.visiteret as visitationsdato,
                r.fra as gyldig_fra, r.til as gyldig_til, r.kildesystem, r.kilde_id
            from sk.r_spec as r
            {person}
            where r.instrueret
        """,
        "std_skole__karakter": f"""
            select
                r.kommunekode, {period}, r.elev_id, p.person_id, r.institutionsnummer, {grade} as klassetrin, r.fag as proevefag, r.proevetype, r.dato,
                case when r.karakter_tekst is null then r.karakter else 'ukendt' end as karakter, r.kildesystem, r.kilde_id
            from sk.r_kar as r
            {person}
            where r.instrueret
        """,
    }
    for model, sql in parts.items():
        folder = verden.home.tmp / "demo_facit" / model
        folder.mkdir(parents=True, exist_ok=True)
        con.execute(f"copy ({sql} order by kommunekode, kildesystem, kilde_id) to '{folder / f'{month:%Y%m}.parquet'}' (format parquet)")
    con.execute(f"""
        insert into sk.frasat
        select kommunekode, kildesystem, 'elev', kilde_id, {period}, aarsag from sk.r_elev where aarsag is not null and instrueret
        union all
        select kommunekode, kildesystem, 'fravaer', kilde_id, {period}, aarsag from sk.r_frav where aarsag is not null and instrueret
    """)
    con.execute(f"insert into sk.lokalt_felt select kommunekode, kildesystem, kilde_id, '{LOCAL_NAME}', hold from sk.r_elev where hold is not null and instrueret and aarsag is null")


def write_truth(verden: Verden) -> None:
    """The truth of this area's standardized tables. The parts are in order, and each is: sorting the whole would take memory that grows with the months."""
    parts = verden.home.tmp / "demo_facit"
    for folder in sorted(parts.iterdir()):
        verden.truth(folder.name, f"select * from read_parquet({[str(part) for part in sorted(folder.glob('*.parquet'))]})")
    shutil.rmtree(parts)
    verden.truth("std_skole__frasat", "select * from sk.frasat order by all")
    verden.truth("std_skole__lokalt_felt", "select * from sk.lokalt_felt order by all")
