"""Voksne og handicappede: services to adults as three case systems report them through Danmarks Statistik, and the truth behind.

The world is a table of services made once from chance (`vh.ydelse`), each a spell in one municipality that acts and reports. A monthly file is what
the reporting system knew at the end of that month: everything since 2015, ended or open. The truth is taken from the services and the set-up.

How common each service is, and how long it lasts, is in SERVICES; docs/demo.md says what it was estimated from.
"""

from __future__ import annotations

import hashlib
from datetime import date

from flis.demo.opsaetning import CPR_IN_OWN
from flis.demo.skriv import break_off, write_files
from flis.demo.verden import Verden, next_month

AREA = "voksne_handicap"
OPEN = "date '9999-12-31'"
IN_NEED = 0.05                      # of all, over the years: those who ever have a service. So one who has services has 1.3 of them
WITHOUT_NUMBER = 3                  # municipalities with somebody who has a replacement number
HISTORY = "date '2015-01-01'"       # services that ended before this are not in any file

# DST code, open services per 1,000 adults, mean years, youngest, oldest at start, mean minutes a week (0: none), kinds of place (empty: no place),
# first valid day. [general knowledge of the level of HAND01 and HAND06, rounded; not read from the tables]
SERVICES = [
    ("30011", 5.6, 9.0, 18, 80, 0, ["1.1"], "1900-01-01"),
    ("30013", 0.5, 1.2, 18, 80, 0, ["2.1"], "1900-01-01"),
    ("30014", 2.0, 8.0, 18, 66, 0, ["1.3"], "1900-01-01"),
    ("30117", 0.12, 5.0, 18, 70, 1800, [], "1900-01-01"),
    ("30181", 1.6, 15.0, 18, 90, 0, ["3.1.0"], "1900-01-01"),
    ("30182", 1.6, 2.5, 18, 70, 0, ["3.5"], "1900-01-01"),
    ("31132", 0.5, 9.0, 18, 75, 6000, [], "1900-01-01"),
    ("31133", 0.06, 8.0, 18, 95, 300, [], "1900-01-01"),
    ("31134", 2.4, 6.0, 18, 66, 210, [], "1900-01-01"),
    ("31181", 0.5, 0.7, 18, 80, 90, ["4"], "2020-07-01"),
    ("31182", 1.2, 0.6, 18, 80, 75, ["4"], "2020-07-01"),
    ("31183", 0.1, 0.3, 18, 80, 0, ["2.1"], "2024-01-01"),
    ("31201", 3.6, 8.0, 18, 85, 900, ["3.3.0", "3.4"], "1900-01-01"),
    ("31202", 8.6, 3.5, 18, 85, 150, ["4"], "1900-01-01"),
    ("31211", 0.12, 0.8, 18, 70, 180, ["4"], "2024-01-01"),
    ("31212", 0.05, 1.0, 18, 70, 180, ["4"], "2024-01-01"),
    ("31213", 0.03, 1.2, 18, 70, 240, ["4"], "2024-01-01"),
    ("32001", 0.02, 0.4, 18, 90, 600, [], "2024-07-01"),
    ("32003", 0.02, 0.4, 18, 90, 0, [], "2024-07-01"),
]

# The word for a service in each system: Sensum, Nexus, Bosted, and the paragraph of the standard.
WORDS = {
    "30011": ("SEL § 104", "SEL-104", "SEL104", "SEL|104"),
    "30013": ("SEL § 102", "SEL-102", "SEL102", "SEL|102"),
    "30014": ("SEL § 103", "SEL-103", "SEL103", "SEL|103"),
    "30117": ("SEL § 95", "SEL-95", "SEL95", "SEL|95"),
    "30181": ("SEL § 108", "SEL-108", "SEL108", "SEL|108"),
    "30182": ("SEL § 107", "SEL-107", "SEL107", "SEL|107"),
    "31132": ("SEL § 96", "SEL-96", "SEL96", "SEL|96"),
    "31133": ("SEL § 98", "SEL-98", "SEL98", "SEL|98"),
    "31134": ("SEL § 97", "SEL-97", "SEL97", "SEL|97"),
    "31181": ("SEL § 82 a", "SEL-82-A", "SEL82A", "SEL|82a"),
    "31182": ("SEL § 82 b", "SEL-82-B", "SEL82B", "SEL|82b"),
    "31183": ("SEL § 82 c", "SEL-82-C", "SEL82C", "SEL|82c"),
    "31201": ("SEL § 85", "SEL-85", "SEL85", "SEL|85"),
    "31202": ("SEL § 85", "SEL-85", "SEL85", "SEL|85"),
    "31211": ("SEL § 85 a (CTI)", "SEL-85-A-CTI", "SEL85ACTI", "SEL|85a"),
    "31212": ("SEL § 85 a (ICM)", "SEL-85-A-ICM", "SEL85AICM", "SEL|85a"),
    "31213": ("SEL § 85 a (ACT)", "SEL-85-A-ACT", "SEL85AACT", "SEL|85a"),
    "32001": ("SEL § 117 a, jf. § 83", "SEL-117-A-83", "SEL117A83", "SEL|117a"),
    "32003": ("SEL § 117 a, jf. § 112", "SEL-117-A-112", "SEL117A112", "SEL|117a"),
}

PLACES = {
    "1.1": ("Aktivitets- og samværstilbud", "110"),
    "1.3": ("Beskyttet beskæftigelse", "130"),
    "2.1": ("Ambulant tilbud", "210"),
    "3.1.0": ("Længerevarende botilbud", "310"),
    "3.3.0": ("Almen bolig (ABL § 105)", "330"),
    "3.4": ("Bofællesskab", "340"),
    "3.5": ("Midlertidigt botilbud", "350"),
    "4": ("Udgående tilbud", "400"),
}

# Target group of the standard, its name in Sensum, its code in Nexus.
TARGETS = [
    ("40122", "Psykiske vanskeligheder", "1.2.2"),
    ("40121", "Intellektuel/kognitiv forstyrrelse", "1.2.1"),
    ("40002", "Socialt problem", "1.3"),
    ("40111", "Mobilitetsnedsættelse", "1.1.1"),
    ("40114", "Kommunikationsnedsættelse", "1.1.4"),
    ("40003", "Multipel funktionsnedsættelse", "1.4"),
    ("40116", "Anden fysisk funktionsnedsættelse", "1.1.9"),
    ("40112", "Synsnedsættelse", "1.1.2"),
    ("40113", "Hørenedsættelse", "1.1.3"),
    ("40004", "Sjældent forekommende funktionsnedsættelse", "1.5"),
    ("40115", "Døvblindhed", "1.1.5"),
    ("49999", "Uoplyst", "9"),
]

# Municipalities that report for others, and the paragraphs that the other keeps.
ACTS_FOR = {"0187": ("0183", ("SEL|95", "SEL|96")), "0155": ("0185", ())}

EMPTY_AT_FIRST = "0563"             # nothing to report in its first month: a file with a header and no more
LOCAL_FIELD = "0730"                # delivers LOKAL_TEAM beside the contract's columns
JUMP_IN = "0265"                    # changes system, and is counted otherwise in the new one
WITH_AN_END = "eg_bosted"           # its files have an end record, so half of one is known for what it is
FEW = 10                            # municipalities: in a smaller demo every last month comes
# Faults whose service is not in the standard, and why.
NOT_TO_REPORT = "VH-94"
ASIDE = {"VH-08": "cpr_ugyldig", "VH-09": "slut_foer_start", "VH-19": "dublet", NOT_TO_REPORT: "anden_handlekommune"}
CORRECTED_AFTER = 8                 # days; so past the deadline, the 14th: what has not come by then is late

# SagNavn and SagType hold what only Windows-1252 can (the dash), SagNavn quotes and line breaks.
SENSUM_HEADER = ["IndsatsId", "CPR", "IndsatsStartDato", "IndsatsSlutDato", "OprettetDato", "IndsatsStatus", "Indsats", "ForventetParagraf", "HandleKommune",
                 "BetalingsKommune", "OpholdsKommune", "SagNavn", "SagType", "AfslutningsÅrsag", "Facet", "Tilbud", "LeverandørNavn", "TimerPrUge", "Akut", "Målgrupper"]
NEXUS_HEADER = ["YdelseId", "BorgerCpr", "Paragraf", "TilbudId", "TilbudType", "GyldigFra", "GyldigTil", "Status", "HandleKommune", "BetalingsKommune", "OpholdsKommune",
                "TimerPrMaaned", "Akut", "Slettet"]

MUNICIPALITY_NAMES = {
    "0101": "København", "0147": "Frederiksberg", "0151": "Ballerup", "0153": "Brøndby", "0155": "Dragør", "0157": "Gentofte", "0159": "Gladsaxe",
    "0161": "Glostrup", "0163": "Herlev", "0165": "Albertslund", "0167": "Hvidovre", "0169": "Høje-Taastrup", "0173": "Lyngby-Taarbæk",
    "0175": "Rødovre", "0183": "Ishøj", "0185": "Tårnby", "0187": "Vallensbæk", "0190": "Furesø", "0201": "Allerød", "0210": "Fredensborg",
    "0217": "Helsingør", "0219": "Hillerød", "0223": "Hørsholm", "0230": "Rudersdal", "0240": "Egedal", "0250": "Frederikssund", "0253": "Greve",
    "0259": "Køge", "0260": "Halsnæs", "0265": "Roskilde", "0269": "Solrød", "0270": "Gribskov", "0306": "Odsherred", "0316": "Holbæk",
    "0320": "Faxe", "0326": "Kalundborg", "0329": "Ringsted", "0330": "Slagelse", "0336": "Stevns", "0340": "Sorø", "0350": "Lejre",
    "0360": "Lolland", "0370": "Næstved", "0376": "Guldborgsund", "0390": "Vordingborg", "0400": "Bornholm", "0410": "Middelfart", "0420": "Assens",
    "0430": "Faaborg-Midtfyn", "0440": "Kerteminde", "0450": "Nyborg", "0461": "Odense", "0479": "Svendborg", "0480": "Nordfyns", "0482": "Langeland",
    "0492": "Ærø", "0510": "Haderslev", "0530": "Billund", "0540": "Sønderborg", "0550": "Tønder", "0561": "Esbjerg", "0563": "Fanø", "0573": "Varde",
    "0575": "Vejen", "0580": "Aabenraa", "0607": "Fredericia", "0615": "Horsens", "0621": "Kolding", "0630": "Vejle", "0657": "Herning",
    "0661": "Holstebro", "0665": "Lemvig", "0671": "Struer", "0706": "Syddjurs", "0707": "Norddjurs", "0710": "Favrskov", "0727": "Odder",
    "0730": "Randers", "0740": "Silkeborg", "0741": "Samsø", "0746": "Skanderborg", "0751": "Aarhus", "0756": "Ikast-Brande",
    "0760": "Ringkøbing-Skjern", "0766": "Hedensted", "0773": "Morsø", "0779": "Skive", "0787": "Thisted", "0791": "Viborg", "0810": "Brønderslev",
    "0813": "Frederikshavn", "0820": "Vesthimmerlands", "0825": "Læsø", "0840": "Rebild", "0846": "Mariagerfjord", "0849": "Jammerbugt",
    "0851": "Aalborg", "0860": "Hjørring",
}


def generate(verden: Verden) -> None:
    """Make the services of `verden.person` in `verden.kommune`, the monthly files of the three case systems, and the truth."""
    verden.con.execute("create schema vh")
    code_tables(verden)
    reporters(verden)
    services(verden)
    plant_faults(verden)
    target_groups(verden)
    person_ids(verden)
    deliveries(verden)
    for month in verden.months:
        visible(verden, month)
        write_sensum(verden, month)
        write_nexus(verden, month)
        write_bosted(verden, month)
        remember_last(verden, month)
    lose_last(verden)
    write_truth(verden)


def rows(values: list[tuple]) -> str:
    """A list of tuples as an SQL values list."""
    def text(value: object) -> str:
        if value is None:
            return "null"
        if isinstance(value, list):
            return "[" + ", ".join(text(v) for v in value) + "]::varchar[]"
        return str(value) if isinstance(value, int | float) else "'" + str(value).replace("'", "''") + "'"

    return ", ".join("(" + ", ".join(text(v) for v in row) + ")" for row in values)


def code_tables(verden: Verden) -> None:
    """The codes of this module as tables, so that the files are joined in SQL."""
    con = verden.con
    con.execute(f"create table vh.art as select * from (values {rows(SERVICES)}) as t (kode, pr_1000, aar, alder_fra, alder_til, minutter, steder, gyldig_fra)")
    con.execute(f"create table vh.ord as select * from (values {rows([(k, *w) for k, w in WORDS.items()])}) as t (kode, sensum, nexus, bosted, paragraf)")
    con.execute(f"create table vh.sted as select * from (values {rows([(k, *p) for k, p in PLACES.items()])}) as t (sted, navn, bosted)")
    con.execute(f"create table vh.gruppe as select * from (values {rows([(n, *t) for n, t in enumerate(TARGETS)])}) as t (nr, maalgruppe, navn, nexus)")
    con.execute(f"create table vh.navn as select * from (values {rows(list(MUNICIPALITY_NAMES.items()))}) as t (kommunekode, navn)")


def reporters(verden: Verden) -> None:
    """`vh.system`: which system a municipality reports through in which months; `skift` is true for the one it changed to."""
    verden.con.execute(f"""
        create table vh.system as
        select
            kommunekode, kildesystem, instrueret, gyldig_fra, coalesce(gyldig_til, {OPEN}) as gyldig_til, gyldig_fra > date '{verden.first}' as skift,
            count(*) over (partition by kommunekode) > 1 as skifter,
            count(*) over (partition by kommunekode) > 1 or kommunekode = '{CPR_IN_OWN}' as uden_fejl
        from verden.opsaetning
        where fagomraade = '{AREA}'
        order by kommunekode, gyldig_fra
    """)


def services(verden: Verden) -> None:
    """`vh.ydelse`: every service there is, a row each: who, what, where, from when, until when (half-open, as the world has it)."""
    con, u = verden.con, lambda *keys: verden.chance("'vh'", "person_nr", "kode", *(f"'{k}'" for k in keys))
    keeps = rows([(home, actor, list(kept)) for home, (actor, kept) in ACTS_FOR.items()])
    con.execute(f"""
        create table vh.raa as
        with bopael as (
            -- where somebody lived before the demo begins is not known: taken to be the same municipality
            select b.person_nr, b.kommunekode, case when b.gyldig_fra < date '{verden.first}' then date '1900-01-01' else b.gyldig_fra end as bor_fra,
                b.gyldig_til as bor_til, p.foedselsdato, p.doedsdato
            from verden.bopael as b
            inner join verden.person as p on b.person_nr = p.person_nr
        ),
        horisont as (
            select *, least(25.0, greatest(3.0, 4.0 * aar)) as spand, cast(gyldig_fra as date) as gyldig from vh.art
        ),
        chancer as (
            select *, pr_1000 / 1000.0 * spand / aar / (1 - exp(-spand / aar)) as q from horisont
        ),
        trukket as (
            select b.*, c.* exclude (gyldig_fra, pr_1000), {u('hvem')} as hvem
            from bopael as b
            cross join chancer as c
            -- services gather on the few who have any
            where {verden.chance("'vh'", 'b.person_nr', "'har brug'")} < {IN_NEED} and {u('hvem')} < c.q / {IN_NEED}
        ),
        datoer as (
            -- starts reach a month past the end: granted, not yet begun
            select *, date '{next_month(verden.end)}' - 1 - cast(floor({u('start')} * spand * 365.25) as integer) as fra
            from trukket
        ),
        varighed as (
            select *, fra + 14 + cast(floor(-ln(1 - {u('varighed')}) * aar * 365.25) as integer) as til_selv from datoer
        ),
        indenfor as (
            select
                *, least(til_selv, bor_til, coalesce(doedsdato, {OPEN})) as til,
                kommunekode as bor
            from varighed
            where fra >= bor_fra and fra < bor_til and (doedsdato is null or fra < doedsdato)
                and fra >= gyldig
                and fra >= foedselsdato + to_years(cast(alder_fra as integer)) and fra < foedselsdato + to_years(cast(alder_til as integer) + 1)
        ),
        -- never both kinds of botilbud, nor both kinds of personal assistance
        udvalgt as (
            select *
            from indenfor
            where til > {HISTORY} and til > fra
            qualify row_number() over (
                partition by person_nr, case when kode in ('30181', '30182') then 'bo' when kode in ('30117', '31132') then 'bpa' else kode end order by kode
            ) = 1
        ),
        rapporteret as (
            select
                i.*, o.paragraf, o.sensum, o.nexus, o.bosted,
                case when a.handler is null or list_contains(a.beholder, o.paragraf) then i.bor else a.handler end as rapport
            from udvalgt as i
            inner join vh.ord as o on i.kode = o.kode
            left join (values {keeps}) as a (hjemme, handler, beholder) on i.bor = a.hjemme
        )
        select
            r.person_nr, r.rapport as kommunekode, r.bor, r.kode, r.paragraf, r.fra, r.til,
            case when len(r.steder) > 0 then r.steder[1 + cast(floor({u('sted')} * len(r.steder)) as integer)] end as sted,
            -- an outgoing service has no place of its own
            case
                when len(r.steder) > 0 and r.steder[1] <> '4'
                    then cast(r.bor as integer) * 100 + (hash(r.kode) % 10) * 10 + cast(floor({u('tilbud')} * 6) as integer)
            end as tilbud,
            case when r.minutter > 0 then greatest(2, cast(round(-ln(1 - {u('timer')}) * r.minutter / 15) as integer)) * 15 end as minutter,
            {u('akut')} < 0.04 as akut,
            {u('betaler')} as u_betaler, {u('ophold')} as u_ophold, {u('hvilken')} as u_hvilken, {u('navn')} as u_navn
        from rapporteret as r
        where r.rapport in (select kommunekode from vh.system)
    """)
    others = "(select list(k.kommunekode order by k.kommunekode) from verden.kommune as k inner join vh.navn as n on k.kommunekode = n.kommunekode)"
    con.execute(f"""
        create table vh.ydelse as
        with nummereret as (
            select *, row_number() over (order by person_nr, kode, fra) as nr from vh.raa
        ),
        roller as (
            select
                *,
                row_number() over (partition by kommunekode order by nr) as nr_i_kommune,
                row_number() over (partition by kommunekode, minutter is not null order by nr) as nr_timer
            from nummereret
        )
        select
            nr, person_nr, cast(null as varchar) as fremmed_cpr, kommunekode, bor, kode, paragraf, fra, til, sted, tilbud, minutter, akut,
            -- the acting municipality is sometimes stated as the one it acts for; the reader must know better (not for what that one keeps)
            case when bor <> kommunekode and u_navn < 0.3 then bor else kommunekode end as handle,
            case when u_betaler < 0.02 then {others}[1 + cast(floor(u_hvilken * len({others})) as integer)] else bor end as betaling,
            case
                when nr_i_kommune = 1 then '0101'
                when kode in ('30181', '30182', '31201') and u_ophold < 0.15 then {others}[1 + cast(floor(u_hvilken * len({others})) as integer)]
                else bor
            end as ophold,
            -- some starts were lost when an older system was closed: Nexus writes 1900-01-01
            u_navn > 0.985 or nr_i_kommune = 2 as ukendt_start,
            nr_i_kommune, nr % 97 = 0 or nr_i_kommune = 1 as har_slettet_tvilling, cast(null as varchar) as fejl
        from roller
    """)
    # People without a CPR number have a replacement number in the case system: day of birth + 60. Nobody else knows of them.
    con.execute(f"""
        insert into vh.ydelse
        select
            (select coalesce(max(nr), 0) from vh.ydelse) + row_number() over (order by k.kommunekode), -row_number() over (order by k.kommunekode),
            cast(61 + cast(k.kommunekode as integer) % 28 as varchar) || lpad(cast(2 + cast(k.kommunekode as integer) % 11 as varchar), 2, '0') || '85'
            || cast(1000 + cast(k.kommunekode as integer) as varchar),
            k.kommunekode, k.kommunekode, '30182', 'SEL|107', date '{verden.first}' - 60, {OPEN}, '3.5', cast(k.kommunekode as integer) * 100 + 99, null, true,
            k.kommunekode, k.kommunekode, k.kommunekode, false, 0, false, null
        from verden.kommune as k
        inner join vh.system as s on k.kommunekode = s.kommunekode and s.kildesystem = 'eg_sensum' and s.instrueret and not s.skifter
        where k.folketal * {verden.scale} >= 60 and k.kommunekode not in ({', '.join(repr(home) for home in ACTS_FOR)})
        qualify row_number() over (order by k.folketal desc, k.kommunekode) <= {WITHOUT_NUMBER}
    """)


def plant_faults(verden: Verden) -> None:
    """Known faults, at most one of each kind per system, in municipalities that do not change system (but VH-95). Each has an outcome, so the truth has a row for it."""
    con = verden.con
    con.execute("create table vh.fejl_i_alt (regel_id varchar, kildesystem varchar, kommunekode varchar, noegle varchar)")     # faults of a whole municipality, in the last month
    con.execute("create table vh.mangler (kommunekode varchar, paragraf varchar)")                                         # what the last file of one municipality lacks
    con.execute("create table vh.uden_sidste (kommunekode varchar, kildesystem varchar, afvist boolean)")                  # whose last month is not known, though half a file came
    if not verden.faults:
        return
    plan_missing_month(verden)
    mark_services(verden)
    plant_pairs(verden)
    plant_single(verden)
    plant_leap(verden)
    plant_undivided(verden)
    plant_missing_paragraph(verden)
    plant_jump(verden)


def plan_missing_month(verden: Verden) -> None:
    """`vh.uden_sidste`: one municipality's last file never comes (VH-91), of another's only half (VH-92). The smallest with any service, and no other fault there.

    Not in a demo of a few municipalities or months: there the last month is what one looks at.
    """
    if len(verden.months) < 3 or verden.con.execute("select count(distinct kommunekode) from vh.system").fetchall()[0][0] < FEW:
        return
    others = rows([(code,) for pair in ((home, actor) for home, (actor, _) in ACTS_FOR.items()) for code in pair] + [(EMPTY_AT_FIRST,), (LOCAL_FIELD,)])
    for refused in (False, True):
        verden.con.execute(f"""
            insert into vh.uden_sidste
            select s.kommunekode, s.kildesystem, {refused}
            from vh.system as s
            inner join verden.kommune as k on s.kommunekode = k.kommunekode
            where s.instrueret and not s.uden_fejl and s.kommunekode not in (values {others}) and (s.kildesystem = '{WITH_AN_END}') = {refused}
                and exists (select 1 from vh.ydelse as y where y.kommunekode = s.kommunekode and y.fra < date '{verden.first}')
            order by k.folketal, s.kommunekode
            limit 1
        """)
    verden.con.execute("update vh.system set uden_fejl = true where kommunekode in (select kommunekode from vh.uden_sidste)")
    last = verden.months[-1]
    verden.con.execute(f"""
        insert into vh.fejl_i_alt
        select r.regel_id, u.kildesystem, u.kommunekode, u.kildesystem || '|' || r.noegle
        from vh.uden_sidste as u
        cross join (
            values ('VH-91', '{last:%Y-%m}'), ('VH-92', '{last:%Y-%m}'), ('VH-18', '{last.year}K{(last.month + 2) // 3}.{last:%Y-%m}')
        ) as r (regel_id, noegle)
        where u.afvist or r.regel_id <> 'VH-92'
    """)


def add_services(verden: Verden, source: str, order: str) -> None:
    """Put rows in `vh.ydelse` with the next free numbers: `source` selects person_nr, kommunekode, bor, kode, fra, til, sted, tilbud, minutter, fejl, and the columns of `order`."""
    verden.con.execute(f"""
        insert into vh.ydelse
        select
            (select coalesce(max(nr), 0) from vh.ydelse) + row_number() over (order by {order}), n.person_nr, null, n.kommunekode, n.bor, n.kode, o.paragraf, n.fra, n.til, n.sted, n.tilbud,
            n.minutter, false, n.bor, n.bor, n.bor, false, 0, false, n.fejl
        from ({source}) as n
        inner join vh.ord as o on n.kode = o.kode
    """)


def eligible(alias: str) -> str:
    """SQL: faults may be planted in the municipality of this row of `vh.system`, and nobody acts for it."""
    return f"{alias}.instrueret and not {alias}.uden_fejl and {alias}.kommunekode not in ({', '.join(repr(home) for home in ACTS_FOR)})"


def mark_services(verden: Verden) -> None:
    """Faults of services that are there anyway: VH-01, 06, 07, 08, 15 and 20, and VH-19, which is one of them once more."""
    con = verden.con
    marked = [(1, "VH-01"), (2, "VH-06"), (3, "VH-07"), (4, "VH-08"), (5, "VH-15"), (6, "VH-20")]
    con.execute(f"""
        create table vh.kandidat as
        select
            y.nr, s.kildesystem,
            row_number() over (partition by s.kildesystem order by hash({verden.seed}::bigint, 'vhfejl', y.nr)) as plads
        from vh.ydelse as y
        -- where another acts, what a paragraph is decides who reports it: a faulty code would be two faults
        inner join vh.system as s on y.kommunekode = s.kommunekode and {eligible('s')}
        where y.til > date '{verden.end}' and y.fra < date '{verden.first}' and y.fremmed_cpr is null and y.handle = y.kommunekode and not y.ukendt_start
    """)
    con.execute(f"""
        update vh.ydelse as y set fejl = m.regel_id, tilbud = case when m.regel_id = 'VH-20' then 1000000 + y.nr else y.tilbud end
        from vh.kandidat as k
        inner join (values {rows(marked)}) as m (plads, regel_id) on k.plads = m.plads
        where y.nr = k.nr
    """)
    # The reader keeps the one with the lowest id, so the copy is the one set aside.
    con.execute("""
        insert into vh.ydelse
        select y.* replace (
            (select max(nr) from vh.ydelse) + row_number() over (order by y.nr) as nr, 0 as nr_i_kommune, false as har_slettet_tvilling, 'VH-19' as fejl
        )
        from vh.ydelse as y
        inner join vh.kandidat as k on y.nr = k.nr and k.plads = 7
    """)


def plant_pairs(verden: Verden) -> None:
    """Two services at the same time that exclude each other; both stand in the rule's list: VH-02 (two botilbud), VH-14 (both kinds of personal assistance)."""
    first = verden.first
    pairs: list[tuple[str, list[tuple]]] = [
        ("VH-02", [("30181", 800, "3.1.0", 97), ("30182", 300, "3.5", 98)]),
        ("VH-14", [("30117", 900, None, None), ("31132", 400, None, None)]),
    ]
    for rule, services in pairs:
        add_services(verden, f"""
            with valgt as (
                select b.person_nr, b.kommunekode, s.kildesystem
                from verden.bopael as b
                inner join verden.person as p on b.person_nr = p.person_nr
                inner join vh.system as s on b.kommunekode = s.kommunekode and {eligible('s')}
                where p.doedsdato is null and p.foedselsdato < date '{first}' - 9000 and b.gyldig_fra <= date '{first}' and b.gyldig_til = {OPEN}
                    and not exists (select 1 from vh.ydelse as y where y.person_nr = b.person_nr and y.kode in ({', '.join(repr(code) for code, *_ in services)}))
                qualify row_number() over (partition by s.kildesystem order by hash({verden.seed}::bigint, '{rule}', b.person_nr)) = 1
            )
            select
                v.person_nr, v.kommunekode, v.kommunekode as bor, t.kode, date '{first}' - t.dage as fra, {OPEN} as til, t.sted,
                cast(v.kommunekode as integer) * 100 + t.ende as tilbud, null as minutter, '{rule}' as fejl, v.kildesystem
            from valgt as v
            cross join (values {rows(services)}) as t (kode, dage, sted, ende)
        """, "n.kildesystem, n.kode")


def plant_single(verden: Verden) -> None:
    """One service too many for somebody: dead, gone, a child; before its code existed, ended before it began, temporary for six years, and for whom another acts."""
    first, end = verden.first, verden.end
    alive = f"p.doedsdato is null and b.gyldig_til = {OPEN}"
    # a rule's name stands on the row, unless the world has such rows by nature: those are recorded with the truth
    wanted = [
        ("VH-03", "31202", "4", "p.doedsdato - 200", OPEN,
         f"p.doedsdato >= date '{first}' and p.doedsdato < date '{end}' and p.foedselsdato < date '{first}' - 9000 and b.gyldig_til in ({OPEN}, p.doedsdato)"),
        ("VH-04", "31202", "4", f"date '{first}' - 20", OPEN, f"{alive} and p.foedselsdato > date '{first}' - 5500 and p.foedselsdato < date '{first}' - 2000"),
        ("VH-05", "31183", "2.1", "date '2019-03-01'", OPEN, f"{alive} and p.foedselsdato < date '{first}' - 12000"),
        ("VH-09", "31202", "4", f"date '{first}' - 100", f"date '{first}' - 150", f"{alive} and p.foedselsdato < date '{first}' - 9000"),
        ("VH-11", "30182", "3.5", f"date '{first}' - 2200", OPEN, f"{alive} and p.foedselsdato < date '{first}' - 9000"),
        # who has left is the register's to say
        ("VH-12", "31202", "4", "b.gyldig_til - 200", OPEN, f"""
            p.doedsdato is null and p.foedselsdato < date '{first}' - 9000 and b.gyldig_til > date '{first}' and b.gyldig_til < date '{end}'
            and not exists (select 1 from verden.bopael as n where n.person_nr = b.person_nr and n.gyldig_fra > b.gyldig_fra)
            and exists (select 1 from borger.tilstand as t where t.person_nr = b.person_nr and t.til = {OPEN} and t.status in ('80', '05', '70'))
        """),
    ]
    for rule, code, place, start, stop, whom in wanted:
        excluded = ["30181", "30182"] if code == "30182" else [code]
        add_services(verden, f"""
            select
                b.person_nr, b.kommunekode, b.kommunekode as bor, '{code}' as kode, {start} as fra, {stop} as til, '{place}' as sted, null as tilbud, 120 as minutter,
                {'null' if rule == 'VH-11' else f"'{rule}'"} as fejl, s.kildesystem
            from verden.bopael as b
            inner join verden.person as p on b.person_nr = p.person_nr
            inner join vh.system as s on b.kommunekode = s.kommunekode and {eligible('s')}
            where {whom} and b.gyldig_fra <= date '{first}'
                and not exists (select 1 from vh.ydelse as y where y.person_nr = b.person_nr and y.kode in ({', '.join(map(repr, excluded))}))
            qualify row_number() over (partition by s.kildesystem order by hash({verden.seed}::bigint, '{rule}', b.person_nr)) = 1
        """, "n.kildesystem, n.person_nr")
    # VH-10: the acting municipality stated as the one it acts for
    for home, (actor, _) in ACTS_FOR.items():
        add_services(verden, f"""
            select
                b.person_nr, s.kommunekode, b.kommunekode as bor, '31202' as kode, date '{first}' - 100 as fra, {OPEN} as til, '4' as sted, null as tilbud, 120 as minutter, null as fejl
            from verden.bopael as b
            inner join verden.person as p on b.person_nr = p.person_nr
            inner join vh.system as s on s.kommunekode = '{actor}' and s.instrueret and not s.uden_fejl
            where b.kommunekode = '{home}' and {alive} and p.foedselsdato < date '{first}' - 9000 and b.gyldig_fra <= date '{first}'
                and not exists (select 1 from vh.ydelse as y where y.person_nr = b.person_nr and y.kode = '31202')
            qualify row_number() over (order by hash({verden.seed}::bigint, 'VH-10', b.person_nr)) = 1
        """, "n.person_nr")
    # VH-94: what another is to report, reported by the one who keeps some paragraphs only. It is set aside: the acting municipality's file is where it counts.
    for home, (_, kept) in ACTS_FOR.items():
        if kept:
            add_services(verden, f"""
                select
                    b.person_nr, b.kommunekode, b.kommunekode as bor, '30182' as kode, date '{first}' - 60 as fra, {OPEN} as til, '3.5' as sted, null as tilbud, null as minutter,
                    '{NOT_TO_REPORT}' as fejl
                from verden.bopael as b
                inner join verden.person as p on b.person_nr = p.person_nr
                inner join vh.system as s on b.kommunekode = s.kommunekode and s.instrueret and not s.uden_fejl
                where b.kommunekode = '{home}' and {alive} and p.foedselsdato < date '{first}' - 9000 and b.gyldig_fra <= date '{first}'
                    and not exists (select 1 from vh.ydelse as y where y.person_nr = b.person_nr and y.kode in ('30181', '30182'))
                qualify row_number() over (order by hash({verden.seed}::bigint, '{NOT_TO_REPORT}', b.person_nr)) = 1
            """, "n.person_nr")


def adults_without(verden: Verden, kommunekode: str, code: str, rule: str) -> str:
    """SQL: the adults who have lived in the municipality all along and have no such service, in a drawn order (`plads`)."""
    return f"""
        select b.person_nr, row_number() over (order by hash({verden.seed}::bigint, '{rule}', b.person_nr)) as plads
        from verden.bopael as b
        inner join verden.person as p on b.person_nr = p.person_nr
        where b.kommunekode = '{kommunekode}' and b.gyldig_fra <= date '{verden.first}' and b.gyldig_til = {OPEN}
            and p.doedsdato is null and p.foedselsdato < date '{verden.first}' - 9500
            and not exists (select 1 from vh.ydelse as y where y.person_nr = b.person_nr and y.kode = '{code}')
    """


def too_few(verden: Verden, kommunekode: str, code: str, rule: str, count: int) -> bool:
    """Whether the municipality has not so many adults to give a service to."""
    return verden.rows(f"({adults_without(verden, kommunekode, code, rule)})") < count


def plant_group(verden: Verden, kommunekode: str, code: str, count: int, rule: str, ended: int = 0, minutes: int | None = None, start: date | None = None) -> None:
    """`count` services of one kind for as many adults, begun over some years (or at `start`); the first `ended` of them end with the month before the last."""
    began = f"date '{start}'" if start else f"date '{verden.first}' - cast(450 + v.plads * 37 % 1500 as integer)"
    add_services(verden, f"""
        select
            v.person_nr, '{kommunekode}' as kommunekode, '{kommunekode}' as bor, '{code}' as kode, {began} as fra,
            case when v.plads <= {ended} then date '{verden.months[-1]}' else {OPEN} end as til, case when '{code}' = '31202' then '4' end as sted, null as tilbud,
            {minutes or 'null'} as minutter, null as fejl, v.plads
        from ({adults_without(verden, kommunekode, code, rule)}) as v
        where v.plads <= {count}
    """, "n.plads")


def plant_leap(verden: Verden) -> None:
    """VH-16 and VH-17: one large municipality has far more people with § 97 than any other, and a third of those too many end in one night."""
    con = verden.con
    found = con.execute(f"""
        select s.kommunekode, s.kildesystem, (select count(*) from vh.ydelse as y where y.kommunekode = s.kommunekode and y.kode = '31134' and y.til > date '{verden.first}')
        from vh.system as s
        inner join verden.kommune as k on s.kommunekode = k.kommunekode
        where {eligible('s')}
        order by k.folketal desc, s.kommunekode
        limit 1 offset 1
    """).fetchall()
    if not found:
        return
    kommunekode, system, there = found[0]
    count = max(75, 4 * there)
    if too_few(verden, kommunekode, "31134", "VH-16", count):
        return
    plant_group(verden, kommunekode, "31134", count, "VH-16", ended=count // 3, minutes=210)
    # the country's level takes twenty municipalities
    enough = con.execute("select count(distinct y.kommunekode) from vh.ydelse as y inner join vh.system as s on y.kommunekode = s.kommunekode and s.instrueret").fetchall()[0][0] >= 25
    for rule in ["VH-16", "VH-17"] if enough else ["VH-16"]:
        con.execute("insert into vh.fejl_i_alt values (?, ?, ?, ?)", [rule, system, kommunekode, f"{system}|{verden.months[-1]:%Y-%m}.SEL|97"])


def plant_undivided(verden: Verden) -> None:
    """VH-13: one municipality has all its § 85 as support in one's own home, and so many that it is no chance."""
    enough = 24
    con = verden.con
    found = con.execute(f"""
        select y.kommunekode, s.kildesystem, count(*)
        from vh.ydelse as y
        inner join vh.system as s on y.kommunekode = s.kommunekode and {eligible('s')}
        where y.paragraf = 'SEL|85' and y.fra < date '{verden.months[-1]}' and y.fejl is null
        group by y.kommunekode, s.kildesystem
        order by count(*) < {enough}, case when count(*) >= {enough} then count(*) filter (where y.kode = '31201') end, count(*) desc, y.kommunekode
        limit 1
    """).fetchall()
    if not found:
        return
    kommunekode, system, there = found[0]
    missing = max(0, enough - there)
    if too_few(verden, kommunekode, "31202", "VH-13", missing):
        return
    con.execute("update vh.ydelse set kode = '31202', sted = '4', tilbud = case when fejl = 'VH-20' then tilbud end, ukendt_start = false where kommunekode = $1 and kode = '31201'", [kommunekode])
    plant_group(verden, kommunekode, "31202", missing, "VH-13", minutes=150)
    con.execute("insert into vh.fejl_i_alt values ('VH-13', ?, ?, ?)", [system, kommunekode, f"{system}|SEL|85"])


def plant_missing_paragraph(verden: Verden) -> None:
    """VH-93: the last file of one municipality lacks a paragraph it has always had. With Nexus, for it is another system that corrects a delivery.

    What a file holds that has been replaced is known only if somebody looked before it was: the fault is one of the series (`serie:`).
    """
    if len(verden.months) < 2:
        return
    enough = 6
    con = verden.con
    # the paragraph closest to enough, where no other fault is
    found = con.execute(f"""
        select s.kommunekode, s.kildesystem, o.kode, o.paragraf, count(y.nr) filter (where y.fra < date '{verden.months[-1]}') as antal
        from vh.system as s
        inner join verden.kommune as k on s.kommunekode = k.kommunekode
        cross join vh.ord as o
        left join vh.ydelse as y on s.kommunekode = y.kommunekode and o.kode = y.kode
        where {eligible('s')} and s.kildesystem = 'kmd_nexus' and o.kode in ('30011', '30013', '30014')
        group by s.kommunekode, s.kildesystem, o.kode, o.paragraf, k.folketal
        having count(y.fejl) = 0
        order by antal < {enough}, abs(antal - {enough}), k.folketal desc, s.kommunekode, o.kode
        limit 1
    """).fetchall()
    if not found:
        return
    kommunekode, system, code, paragraph, there = found[0]
    missing = max(0, enough - there)
    if too_few(verden, kommunekode, code, "VH-93", missing):
        return
    plant_group(verden, kommunekode, code, missing, "VH-93")
    con.execute("insert into vh.mangler values (?, ?)", [kommunekode, paragraph])
    con.execute("insert into vh.fejl_i_alt values ('serie:VH-93', ?, ?, ?)", [system, kommunekode, f"{system}|{paragraph}"])


def plant_jump(verden: Verden) -> None:
    """VH-95: one municipality that changes system has a third more services (§ 104), at least fifteen, from the month of the change on: the new system has what the old did not tell."""
    con = verden.con
    found = con.execute(f"""
        select s.kildesystem, (select count(*) from vh.ydelse as y where y.kommunekode = s.kommunekode and y.fra < date '{verden.change}' and y.til > date '{verden.change}')
        from vh.system as s
        where s.kommunekode = '{JUMP_IN}' and s.skift
    """).fetchall()
    if not found or len(verden.months) < 3:
        return
    system, there = found[0]
    count = max(15, there // 3)        # some of them are recipients already, and under ten is no jump (seed systemgraense)
    if too_few(verden, JUMP_IN, "30011", "VH-95", count):
        return
    plant_group(verden, JUMP_IN, "30011", count, "VH-95", start=verden.change)
    for measure in ("vh_fuldtidsydelser", "vh_modtagere"):
        con.execute("insert into verden.fejl values ('VH-95', ?, ?, ?, ?)", [system, JUMP_IN, verden.change, f"{system}|{measure}"])


def target_groups(verden: Verden) -> None:
    """`vh.maalgruppe`: one to three target groups per service, and the row or rows that Nexus has for each (it knows finer codes)."""
    con = verden.con
    con.execute(f"""
        create table vh.maalgruppe as
        with valgt as (
            select
                nr,
                cast(floor({verden.chance("'vh'", 'nr', "'gruppe'")} * {verden.chance("'vh'", 'nr', "'gruppe2'")} * 12) as integer) as g,
                1 + cast({verden.chance("'vh'", 'nr', "'antal'")} > 0.7 as integer) + cast({verden.chance("'vh'", 'nr', "'antal'")} > 0.93 as integer) as antal
            from vh.ydelse
        ),
        alle as (
            select nr, unnest([g, (g + 3) % 12, (g + 7) % 12][1:antal]) as g, unnest(range(antal)) as orden from valgt
        )
        select a.nr, a.orden, g.maalgruppe, g.navn, g.nexus
        from alle as a
        inner join vh.gruppe as g on a.g = g.nr
        order by a.nr, a.orden
    """)
    con.execute("""
        create table vh.maalgruppe_nexus as
        select nr, orden * 2 as orden, maalgruppe, case when maalgruppe = '40121' and nr % 3 = 0 then '1.2.1.3.2' when maalgruppe = '40122' and nr % 4 = 0 then '1.2.2.2' else nexus end as kode
        from vh.maalgruppe
        union all
        -- the same group twice in the standard: an attention disorder beside autism
        select nr, orden * 2 + 1, maalgruppe, '1.2.1.3.1' from vh.maalgruppe where maalgruppe = '40121' and nr % 3 = 0
        order by nr, orden
    """)


def person_ids(verden: Verden) -> None:
    """`vh.person`: the person's id, HMAC-SHA256 under the installation's key of the oldest CPR number, first 32 hex digits."""
    con = verden.con
    key = verden.home.key_file.read_bytes().strip()
    block = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    con.execute("set variable vh_ipad = $1", [bytes(b ^ 0x36 for b in block)])
    con.execute("set variable vh_opad = $1", [bytes(b ^ 0x5C for b in block)])
    con.execute("""
        create table vh.person as
        with aeldste as (
            select person_nr, min_by(cpr, gyldig_fra) as cpr
            from verden.cpr_historik
            where person_nr in (select person_nr from vh.ydelse)
            group by person_nr
            union all
            select person_nr, fremmed_cpr from vh.ydelse where fremmed_cpr is not null
        )
        select person_nr, substr(sha256(getvariable('vh_opad') || unhex(sha256(getvariable('vh_ipad') || encode(cpr)))), 1, 32) as person_id
        from aeldste
    """)


def deliveries(verden: Verden) -> None:
    """`vh.levering`: every file there will be. One municipality's last month, and the one in the middle, come twice: first with errors, then corrected."""
    con = verden.con
    months = ", ".join(f"date '{m}'" for m in verden.months)
    twice = ", ".join(f"date '{m}'" for m in sorted({verden.months[-1], verden.months[len(verden.months) // 2]}))
    con.execute(f"""
        create table vh.levering as
        with omleveret as (
            select y.kommunekode
            from vh.ydelse as y
            inner join vh.system as s on y.kommunekode = s.kommunekode and s.instrueret and not s.skifter and s.kildesystem <> 'kmd_nexus'
            where y.kommunekode <> '{EMPTY_AT_FIRST}' and y.kommunekode not in (select kommunekode from vh.uden_sidste)
            group by y.kommunekode
            having count(*) >= 4
            order by y.kommunekode desc
            limit 1
        ),
        maaneder as (
            select unnest([{months}]) as periode
        ),
        filer as (
            select s.kommunekode, s.kildesystem, s.gyldig_fra as system_fra, s.skift, m.periode, cast(m.periode + interval 1 month as date) as slut
            from vh.system as s
            inner join maaneder as m on m.periode >= s.gyldig_fra and m.periode < s.gyldig_til
            where s.kommunekode not in ({", ".join(f"'{h}'" for h, (_, kept) in ACTS_FOR.items() if not kept)})
        )
        select
            f.*, g.gang,
            f.slut + 7 + g.gang * {CORRECTED_AFTER} as udtrukket,
            cast(f.slut + 9 + g.gang * {CORRECTED_AFTER} as timestamp) + interval '6 hours' as mtime,
            g.gang = 0 and o.kommunekode is not null and f.periode in ({twice}) as forkert,
            f.kommunekode = '{EMPTY_AT_FIRST}' and f.periode = date '{verden.first}' and {len(verden.months)} > 1 as tom
        from filer as f
        left join omleveret as o on f.kommunekode = o.kommunekode
        cross join (values (0), (1)) as g (gang)
        where (g.gang = 0 or (o.kommunekode is not null and f.periode in ({twice})))
            and not (f.periode = date '{verden.months[-1]}' and f.kommunekode in (select kommunekode from vh.uden_sidste where not afvist))
        order by f.kommunekode, f.periode, g.gang
    """)


def visible(verden: Verden, month: date) -> None:
    """`vh.synlig`: what each file of a month says of each service, before it is written in a system's own way."""
    con, end = verden.con, next_month(month)
    con.execute(f"""
        create or replace table vh.synlig as
        with raekker as (
            select
                l.kommunekode as rapport, l.kildesystem, l.periode, l.slut, l.udtrukket, l.mtime, l.forkert, l.system_fra, l.skift, l.gang, y.*,
                case
                    when l.skift then greatest(y.fra, l.system_fra)
                    when l.kildesystem = 'kmd_nexus' and y.ukendt_start and y.fra < date '{verden.first}' - 400 then date '1900-01-01'
                    else y.fra
                end as vist_fra,
                -- closed ahead of its end, and not once the end has come
                case when y.fejl = 'VH-15' then date '{end}' + 90 when y.til <= date '{end}' then y.til end as vist_til
            from vh.levering as l
            inner join vh.ydelse as y on l.kommunekode = y.kommunekode
            where l.periode = date '{month}' and not l.tom
                and (y.fra < date '{end}' or (y.nr % 5 = 0 and y.fra < date '{next_month(end)}'))
                and (not l.skift or y.til > l.system_fra)
                -- the file that is corrected later: some services have fallen out
                and not (l.forkert and y.nr % 3 = 0)
                and not (l.periode = date '{verden.months[-1]}' and exists (select 1 from vh.mangler as m where m.kommunekode = l.kommunekode and m.paragraf = y.paragraf))
        )
        select
            r.*,
            case
                when r.fejl = 'VH-08' then '99' || substr(h.cpr, 3)
                -- Bosted keeps the number that the case was opened with
                when r.kildesystem = 'eg_bosted' then coalesce(r.fremmed_cpr, h0.cpr)
                else coalesce(r.fremmed_cpr, h.cpr)
            end as cpr,
            case
                when r.fejl = 'VH-06' then 'afsluttet'
                when r.fra >= date '{end}' then 'bevilget'
                when r.vist_til is not null then 'afsluttet'
                else 'igangvaerende'
            end as status,
            case when r.forkert then r.minutter * 2 else r.minutter end as vist_minutter,
            case r.kildesystem
                when 'eg_sensum' then 'IND-' || lpad(cast(r.nr as varchar), 8, '0')
                when 'kmd_nexus' then 'N-' || lpad(cast(r.nr as varchar), 8, '0')
                else 'B' || lpad(cast(r.nr as varchar), 9, '0')
            end as kilde_id
        from raekker as r
        left join verden.cpr_historik as h on r.person_nr = h.person_nr and h.gyldig_fra < date '{end}' and h.gyldig_til >= date '{end}'
        left join verden.cpr_historik as h0 on r.person_nr = h0.person_nr and h0.gyldig_fra <= r.fra and h0.gyldig_til > r.fra
    """)


def six_digits(column: str) -> str:
    """SQL for a place's number with leading zeros; one that is too long stays so."""
    return f"printf('%06d', {column})"


def path(prefix: str, suffix: str) -> str:
    """SQL for the file's path below the inbox."""
    return f"'dst/VH_{prefix}_' || kommunekode || '_' || strftime(periode, '%Y%m') || '_' || strftime(udtrukket, '%Y%m%d') || '.{suffix}'"


def write_sensum(verden: Verden, month: date) -> None:
    """Semicolons, Windows-1252, quoted text with line breaks, names of municipalities, inclusive end, hours with a decimal comma."""
    header, local = ";".join(SENSUM_HEADER), ";".join([*SENSUM_HEADER, "LOKAL_TEAM"])
    write_files(verden, f"""
        select {path('SENSUM', 'csv')} as sti, mtime, 0 as orden, case when kommunekode = '{LOCAL_FIELD}' then '{local}' else '{header}' end as tekst
        from vh.levering
        where kildesystem = 'eg_sensum' and periode = date '{month}'
        union all
        select
            {path('SENSUM', 'csv').replace('kommunekode', 's.rapport')}, s.mtime, s.nr,
            concat_ws(';',
                s.kilde_id,
                substr(s.cpr, 1, 6) || '-' || substr(s.cpr, 7),
                strftime(s.vist_fra, '%d-%m-%Y') || ' 00:00',
                case when s.vist_til is not null then strftime(s.vist_til - 1, '%d-%m-%Y') || ' 23:59' when s.nr % 2 = 0 then '31-12-2099 00:00' else '' end,
                strftime(s.fra - cast(10 + s.nr % 50 as integer), '%d-%m-%Y') || ' ' || lpad(cast(8 + s.nr % 8 as varchar), 2, '0') || ':' || lpad(cast(s.nr % 60 as varchar), 2, '0'),
                case s.status when 'afsluttet' then 'Afsluttet' when 'bevilget' then 'Bevilget' else 'Igangværende' end,
                coalesce(t.navn, 'Støtte'),
                case when s.fejl = 'VH-07' then 'SEL § 999' else o.sensum end,
                hn.navn,
                case when s.fejl = 'VH-01' then '' else bn.navn end,
                -- a name coded twice on its way out of the system
                case
                    when s.fejl = 'VH-01' then ''
                    when s.ophold = '0101' and (s.nr_i_kommune = 1 or s.nr % 2 = 0) then 'KÃ¸benhavn'
                    else opn.navn
                end,
                case
                    when s.nr_i_kommune = 1 or s.nr % 11 = 0 then '"Voksen – ' || o.sensum || chr(10) || 'kaldet ""støtten"" i brevet"'
                    else 'Voksen – ' || replace(o.sensum, ',', '')
                end,
                'Voksensag – social indsats',
                case when s.vist_til is not null then 'Formål opfyldt' else '' end,
                coalesce(t.navn, ''),
                coalesce(cast(s.tilbud as varchar), ''),
                case when s.tilbud is not null then 'Tilbud ' || cast(s.tilbud as varchar) else '' end,
                coalesce(cast(s.vist_minutter // 60 as varchar) || case s.vist_minutter % 60 when 15 then ',25' when 30 then ',5' when 45 then ',75' else '' end, ''),
                case when s.akut then 'Ja' else 'Nej' end,
                coalesce(m.navne, '')
            ) || case when s.rapport = '{LOCAL_FIELD}' then ';Team ' || substr('ABCD', 1 + cast(s.nr % 4 as integer), 1) else '' end
        from vh.synlig as s
        inner join vh.ord as o on s.kode = o.kode
        left join vh.sted as t on s.sted = t.sted
        left join vh.navn as hn on s.handle = hn.kommunekode
        left join vh.navn as bn on s.betaling = bn.kommunekode
        left join vh.navn as opn on s.ophold = opn.kommunekode
        left join (select nr, string_agg(navn, ', ' order by orden) as navne from vh.maalgruppe group by nr) as m on s.nr = m.nr
        where s.kildesystem = 'eg_sensum'
    """, charset="windows-1252")


def write_nexus(verden: Verden, month: date) -> None:
    """Two tab-separated files, UTC timestamps, exclusive end, CPR numbers without their leading zero, hours per month, deleted rows kept with a mark."""
    def utc(day: str) -> str:
        return f"strftime(timezone('UTC', timezone('Europe/Copenhagen', cast({day} as timestamp))), '%Y-%m-%dT%H:%M:%SZ')"

    header, tab = chr(9).join(NEXUS_HEADER), "chr(9)"
    line = f"""
        concat_ws({tab},
            case when slettet then 'N-9' || substr(s.kilde_id, 4) else s.kilde_id end,
            ltrim(s.cpr, '0'),
            case when s.fejl = 'VH-07' then 'SEL-999' else o.nexus end,
            coalesce({six_digits('s.tilbud')}, ''),
            coalesce(s.sted, ''),
            case when s.vist_fra = date '1900-01-01' then '1900-01-01T00:00:00Z' else {utc('s.vist_fra')} end,
            case when s.vist_til is not null then {utc('s.vist_til')} else '9999-12-31T00:00:00Z' end,
            case s.status when 'afsluttet' then 'AFSLUTTET' when 'bevilget' then 'BEVILGET' else 'AKTIV' end,
            substr(s.handle, 2),
            case when s.fejl = 'VH-01' then '' else substr(s.betaling, 2) end,
            case when s.fejl = 'VH-01' then '' else substr(s.ophold, 2) end,
            coalesce(cast((s.vist_minutter * 13 // 3) // 60 as varchar) || ':' || lpad(cast((s.vist_minutter * 13 // 3) % 60 as varchar), 2, '0'), ''),
            case when s.akut then 'True' else 'False' end,
            case when slettet then 'True' else 'False' end
        )
    """
    write_files(verden, f"""
        select {path('NEXUS_YDELSE', 'tsv')} as sti, mtime, 0 as orden, '{header}' as tekst
        from vh.levering
        where kildesystem = 'kmd_nexus' and periode = date '{month}'
        union all
        select {path('NEXUS_YDELSE', 'tsv').replace('kommunekode', 's.rapport')}, s.mtime, s.nr * 2 + cast(slettet as integer), {line}
        from vh.synlig as s
        inner join vh.ord as o on s.kode = o.kode
        cross join (values (false), (true)) as t (slettet)
        where s.kildesystem = 'kmd_nexus' and (not slettet or s.har_slettet_tvilling)
    """)
    write_files(verden, f"""
        select {path('NEXUS_MAALGRUPPE', 'tsv')} as sti, mtime, 0 as orden, 'YdelseId' || {tab} || 'Maalgruppe' || {tab} || 'Slettet' as tekst
        from vh.levering
        where kildesystem = 'kmd_nexus' and periode = date '{month}'
        union all
        select {path('NEXUS_MAALGRUPPE', 'tsv').replace('kommunekode', 's.rapport')}, s.mtime, s.nr * 10 + m.orden, s.kilde_id || {tab} || m.kode || {tab} || 'False'
        from vh.synlig as s
        inner join vh.maalgruppe_nexus as m on s.nr = m.nr
        where s.kildesystem = 'kmd_nexus'
    """)


def write_bosted(verden: Verden, month: date) -> None:
    """Fixed width, ISO-8859-1, record types 10 and 20 and an end record with the count; 00000000 for an open end, minutes a week."""
    def pad(expression: str, width: int) -> str:
        return f"rpad(coalesce({expression}, ''), {width}, ' ')"

    write_files(verden, f"""
        with poster as (
            select
                s.rapport as kommunekode, s.periode, s.udtrukket, s.mtime, s.nr * 10 as orden,
                '10' || {pad('s.kilde_id', 10)} || {pad('s.cpr', 10)} || {pad("case when s.fejl = 'VH-07' then 'SEL999' else o.bosted end", 12)}
                || coalesce(lpad(cast(s.tilbud as varchar), 8, '0'), repeat(' ', 8)) || {pad('t.bosted', 3)}
                || strftime(s.vist_fra, '%Y%m%d') || coalesce(strftime(s.vist_til - 1, '%Y%m%d'), '00000000')
                || case s.status when 'afsluttet' then '30' when 'bevilget' then '10' else '20' end
                || coalesce(lpad(cast(s.vist_minutter as varchar), 6, '0'), repeat(' ', 6)) || case when s.akut then '1' else '0' end
                || s.handle || case when s.fejl = 'VH-01' then repeat(' ', 8) else s.betaling || s.ophold end as tekst
            from vh.synlig as s
            inner join vh.ord as o on s.kode = o.kode
            left join vh.sted as t on s.sted = t.sted
            where s.kildesystem = 'eg_bosted'
            union all
            select s.rapport, s.periode, s.udtrukket, s.mtime, s.nr * 10 + 1 + m.orden, '20' || {pad('s.kilde_id', 10)} || '0' || m.maalgruppe
            from vh.synlig as s
            inner join vh.maalgruppe as m on s.nr = m.nr
            where s.kildesystem = 'eg_bosted'
        )
        select {path('BOSTED', 'txt')} as sti, mtime, orden, tekst from poster
        union all
        select
            {path('BOSTED', 'txt').replace('kommunekode', 'l.kommunekode')}, l.mtime, 999999999999,
            '99' || lpad(cast((select count(*) from poster as p where p.kommunekode = l.kommunekode and p.udtrukket = l.udtrukket) as varchar), 8, '0')
        from vh.levering as l
        where l.kildesystem = 'eg_bosted' and l.periode = date '{month}'
    """, charset="iso-8859-1")


def remember_last(verden: Verden, month: date) -> None:
    """`vh.sidst`: what the last file of each municipality and system says that can be read, kept for the truth."""
    con = verden.con
    con.execute("create table if not exists vh.sidst as from vh.synlig limit 0")
    con.execute(f"""
        insert into vh.sidst
        select s.*
        from vh.synlig as s
        inner join vh.system as y on s.rapport = y.kommunekode and s.kildesystem = y.kildesystem and y.instrueret
        left join vh.uden_sidste as u on s.rapport = u.kommunekode
        where not s.forkert
            and least(cast(y.gyldig_til - interval 1 month as date), case when u.kommunekode is null then date '{verden.months[-1]}' else date '{verden.months[-2:][0]}' end) = s.periode
    """)


def lose_last(verden: Verden) -> None:
    """The transfer that broke: half a file in the last month, and no other. It is refused."""
    for (code,) in verden.con.execute("select kommunekode from vh.uden_sidste where afvist").fetchall():
        half = break_off(next((verden.home.inbox / "dst").glob(f"VH_BOSTED_{code}_{verden.months[-1]:%Y%m}_*.txt")))
        verden.con.execute("insert into verden.fejl values ('load:mangler_slutrecord', ?, ?, ?, ?)", [WITH_AN_END, code, verden.months[-1], half.name])


def write_truth(verden: Verden) -> None:
    """The truth of this area's standardized tables, and which faults were planted."""
    con = verden.con
    # One service, one row: what the last system says of it, from the start the first one knew. What began after a system had been left is not its.
    con.execute(f"""
        create table vh.ende as
        select
            s.*,
            s.fra >= y.gyldig_til as for_sent,
            least(coalesce(s.vist_til, {OPEN}), y.gyldig_til) as facit_til
        from vh.sidst as s
        inner join vh.system as y on s.rapport = y.kommunekode and s.kildesystem = y.kildesystem
    """)
    con.execute(f"""
        create table vh.facit as
        select e.*, min(e.vist_fra) over (partition by e.nr) as facit_fra
        from vh.ende as e
        where not e.for_sent and (e.fejl is null or e.fejl not in {tuple(ASIDE)})
        qualify row_number() over (partition by e.nr order by e.system_fra desc) = 1
    """)
    verden.truth("std_voksne_handicap__ydelse", f"""
        select
            f.rapport as kommunekode, p.person_id,
            case when f.fejl = 'VH-07' then 'ukendt' else f.paragraf end as paragraf,
            case when f.fejl = 'VH-07' then 'ukendt' else f.kode end as ydelseskode,
            {six_digits('f.tilbud')} as tilbud_id, f.facit_fra as gyldig_fra, f.facit_til as gyldig_til, f.handle as angivet_handle_kommunekode,
            case when f.fejl = 'VH-01' then '0998' else f.betaling end as betaling_kommunekode, case when f.fejl = 'VH-01' then '0998' else f.ophold end as opholds_kommunekode, f.status as ydelsesstatus,
            cast(f.minutter / 60.0 as decimal(9, 2)) as omfang_timer_uge, f.akut as er_akut, f.kildesystem, f.kilde_id
        from vh.facit as f
        inner join vh.person as p on f.person_nr = p.person_nr
        order by f.rapport, f.kilde_id
    """)
    verden.truth("std_voksne_handicap__maalgruppe", """
        select f.rapport as kommunekode, f.kildesystem, f.kilde_id, m.maalgruppe
        from vh.facit as f
        inner join vh.maalgruppe as m on f.nr = m.nr
        order by f.rapport, f.kilde_id, m.maalgruppe
    """)
    verden.truth("std_voksne_handicap__lokalt_felt", f"""
        select f.rapport as kommunekode, f.kildesystem, f.kilde_id, 'LOKAL_TEAM' as felt, 'Team ' || substr('ABCD', 1 + cast(f.nr % 4 as integer), 1) as vaerdi
        from vh.facit as f
        where f.rapport = '{LOCAL_FIELD}' and f.kildesystem = 'eg_sensum'
        order by f.kilde_id
    """)
    why = " ".join(f"when '{rule}' then '{reason}'" for rule, reason in ASIDE.items())
    con.execute(f"""
        create table vh.frasat as
        with udeladt as (
            select *, case fejl {why} else 'andet_system_gaelder' end as aarsag
            from vh.ende
            where for_sent or fejl in {tuple(ASIDE)}
        )
        select rapport as kommunekode, kildesystem, 'ydelse' as tabel, kilde_id, periode, aarsag from udeladt
        union all
        select u.rapport, u.kildesystem, 'maalgruppe', u.kilde_id, u.periode, 'ydelse_frasat'
        from udeladt as u
        inner join vh.maalgruppe as m on u.nr = m.nr
        where u.kildesystem = 'eg_bosted'
        union all
        select u.rapport, u.kildesystem, 'maalgruppe', u.kilde_id, u.periode, 'ydelse_frasat'
        from udeladt as u
        inner join vh.maalgruppe_nexus as m on u.nr = m.nr
        where u.kildesystem = 'kmd_nexus'
        union all
        select rapport, kildesystem, 'ydelse', 'N-9' || substr(kilde_id, 4), periode, 'slettet_i_kilden'
        from vh.ende
        where kildesystem = 'kmd_nexus' and har_slettet_tvilling
        order by all
    """)
    verden.truth("std_voksne_handicap__frasat", "select * from vh.frasat order by all")
    con.execute(f"""
        insert into verden.fejl
        select fejl, kildesystem, rapport, date '{verden.months[-1]}', kildesystem || '|' || kilde_id
        from vh.ende
        where fejl is not null and fejl <> '{NOT_TO_REPORT}'
        union all
        select regel_id, kildesystem, kommunekode, date '{verden.months[-1]}', noegle from vh.fejl_i_alt
        order by all
    """)
    if verden.faults:
        # A file with a row set aside does not add up with the standard (VH-94). What is deleted at the source, or another system's, is not the standard's.
        con.execute("""
            insert into verden.fejl
            select distinct
                'VH-94', f.kildesystem, f.kommunekode, f.periode,
                f.kildesystem || '|VH_' || case f.kildesystem when 'eg_sensum' then 'SENSUM' when 'eg_bosted' then 'BOSTED' else 'NEXUS_' || upper(f.tabel) end || '_' || f.kommunekode
                || strftime(f.periode, '_%Y%m') || strftime(max(l.udtrukket), '_%Y%m%d') || case f.kildesystem when 'eg_sensum' then '.csv' when 'eg_bosted' then '.txt' else '.tsv' end
            from vh.frasat as f
            inner join vh.levering as l on f.kommunekode = l.kommunekode and f.kildesystem = l.kildesystem and f.periode = l.periode
            where f.aarsag not in ('slettet_i_kilden', 'andet_system_gaelder')
            group by f.kildesystem, f.kommunekode, f.periode, f.tabel
            order by all
        """)
    if verden.faults:
        # What the world has by nature too: the acting municipality stated as the one it acts for, and a temporary stay of more than five years.
        con.execute(f"""
            insert into verden.fejl
            select 'VH-10', kildesystem, rapport, date '{verden.months[-1]}', kildesystem || '|' || kilde_id
            from vh.facit
            where handle <> rapport
            union all
            select 'VH-11', kildesystem, rapport, date '{verden.months[-1]}', kildesystem || '|' || kilde_id
            from vh.facit
            where kode = '30182' and fejl is distinct from 'VH-07' and facit_fra > date '1900-01-01' and facit_fra + interval 5 year < slut and facit_til > slut
            order by all
        """)
