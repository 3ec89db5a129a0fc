"""Personale: each payroll system's way of writing a month, and the same rows as truth."""

from __future__ import annotations

import shutil
from datetime import date

from flis.demo.oekonomi_filer import comma
from flis.demo.skriv import write_files
from flis.demo.verden import Verden, next_month
from flis.demo.voksne_handicap import rows

LOCAL_FIELD, LOCAL_NAME = "0751", "LOKAL_PROJEKT"       # delivers it beside the contract's columns
LAST = 1_000_000_000_000                                # the place of a file's last line
DAY_AFTER_ALL = "date '9999-12-31'"

# How each system writes an agreement: KMD Opus, SD, København. The last is one that nobody knows (PE-10).
AGREEMENT_WORDS = [
    ("laerere", "Lærere m.fl. i folkesk. og spec.underv", "LAERE", "Lærere"),
    ("paedagoger", "Pæd.udd. pers. v. daginst.", "PAEDA", "Pædagoger"),
    ("paedagogmedhjaelpere", "Pæd.medhj. og pæd.assist.", "PMEDH", "Pædagogmedhjælpere"),
    ("dagplejere", "Dagplejere", "DAGPL", "Dagplejere"),
    ("sosu", "Social- og sundhedspers.", "SOSUP", "Social- og sundhedspersonale"),
    ("syge_sundhed", "Syge- og sundhedspers., basis", "SYGEP", "Sygeplejersker og terapeuter"),
    ("kontor_it", "Kontor- og it-personale", "HKKON", "Kontor og it"),
    ("akademikere", "Akademikere", "AKADE", "Akademikere"),
    ("socialraadgivere", "Socialrådgivere", "SOCRD", "Socialrådgivere"),
    ("rengoering", "Rengøringsassistenter", "RENGO", "Rengøring"),
    ("specialarbejdere", "Specialarbejdere", "SPECA", "Specialarbejdere"),
    ("haandvaerkere", "Håndværkere", "HAAND", "Håndværkere"),
    ("chefer", "Chefer", "CHEFE", "Chefer"),
    ("ukendt", "Individuel aftale, nr. 999", "XXXXX", "Individuel aftale"),
]
# Form of employment: KMD Opus' code and text, SD, København.
FORM_WORDS = [
    ("tjenestemand", "01", "Tjenestemand", "T", "Tjenestemand"),
    ("overenskomst", "02", "Månedslønnet", "O", "Overenskomst"),
    ("timeloen", "03", "Timelønnet", "H", "Timeløn"),
    ("elev", "04", "Elev", "E", "Elev"),
    ("fleksjob", "05", "Fleksjob", "F", "Fleksjob"),
    ("loentilskud", "06", "Løntilskud", "L", "Løntilskud"),
    ("seniorjob", "07", "Seniorjob", "S", "Seniorjob"),
    ("vikar", "08", "Vikar", "V", "Vikar"),
    ("honorar", "09", "Honorarlønnet", "R", "Honorar"),
]
STATUS_WORDS = [("i_loen", "1", "Aktiv"), ("orlov", "3", "Orlov"), ("fratraadt", "8", "Fratrådt"), ("ikke_i_loen", "0", "Ikke i løn")]
PAY_WORDS = [
    ("grundloen", "0100", "100", "Grundløn"),
    ("timeloen", "0150", "150", "Timeløn"),
    ("funktionsloen", "0200", "200", "Funktionstillæg"),
    ("kvalifikationsloen", "0250", "250", "Kvalifikationstillæg"),
    ("overarbejde", "0400", "400", "Overarbejde"),
    ("pension", "0600", "600", "Pension"),
    ("honorar", "0900", "900", "Honorar"),
]
ABSENCE_WORDS = [
    ("1100", "0100", "SY", "Egen sygdom"),
    ("1200", "0120", "BS", "Barns sygdom"),
    ("1300", "0110", "AU", "Arbejdsulykke"),
    ("1400", "0200", "BA", "Barsel"),
    ("paragraf_56", "0130", "P5", "§ 56"),
    ("nedsat_tjeneste", "0140", "NT", "Nedsat tjeneste"),
    ("ferie", "0300", "FE", "Ferie"),
    ("omsorgsdage", "0310", "OM", "Omsorgsdag"),
    ("seniordage", "0320", "SE", "Seniordag"),
    ("orlov_uden_loen", "0400", "OR", "Orlov uden løn"),
]
LEVELS = ["forvaltning", "afdeling", "enhed"]
SD_LEVELS = ["NY1-niveau", "NY0-niveau", "Afdelings-niveau"]

OPUS_PAY_HEADER = (
    "Job;Kommunekode;Regnskabsårsvariant;Stilling;Landenøgle;Lønform;Stam_lønklasse;Alder;Fratrædelsesdato;CPR_nummer;Lønart;Fødselsdato;"
    "Anciennitet_i_virksomhed;Linjenummer;Funktion;Dranst;Ejerforhold;Gruppering;Art;Timer;Beløb"
)
OPUS_ABSENCE_HEADER = "Kommunekode;Medarbejdernummer;CPR_nummer;Løbenummer;Fraværsart;Fra;Til;Timer;Delvis"
SD_EMPLOYMENT_HEADER = (
    "InstitutionIdentifier|EmploymentIdentifier|PersonCivilRegistrationIdentifier|EmploymentDate|TerminationDate|EmploymentStatusCode|JobPositionIdentifier|EmploymentName|"
    "DepartmentIdentifier|SalaryAgreementIdentifier|EmploymentTypeCode|OccupationRate|PaidHours|ManagementIndicator"
)
SD_PAY_HEADER = "InstitutionIdentifier|EmploymentIdentifier|PersonCivilRegistrationIdentifier|LineNumber|SalaryTypeIdentifier|AccountString|Hours|Amount"
SD_ABSENCE_HEADER = "InstitutionIdentifier|EmploymentIdentifier|PersonCivilRegistrationIdentifier|AbsenceIdentifier|AbsenceCode|StartDate|EndDate|AbsenceHours|PartDay"
KK_UNIT_HEADER = "enhed;overenhed;navn;niveau;fra;til;produktionsenhed"
KK_EMPLOYMENT_HEADER = "tjenestenr;cpr;ansat;fratraadt;status;stilling;overenskomst;form;enhed;grad;timer;leder"
KK_PAY_HEADER = "tjenestenr;cpr;linje;loenart;konto;timer;beloeb"
KK_ABSENCE_HEADER = "tjenestenr;cpr;fravaersnr;aarsag;fra;til;minutter;delvis"

# Why the standard sets the employment of a planted fault aside.
ASIDE = "case a.fejl_nu when 'PE-07' then 'slut_foer_start' when 'PE-17' then 'cpr_ugyldig' when 'PE-18' then 'uden_for_ansaettelsen' end"


def write_month(verden: Verden, month: date) -> None:
    """Write the files of the rows in `pe.m_ans`, `pe.m_loen` and `pe.m_frav`, and the rows as a part of the truth."""
    words(verden)
    name_rows(verden, month)
    systems = {row[0] for row in verden.con.execute("select distinct kildesystem from pe.levering where periode = ?", [month]).fetchall()}
    for system, write in (("kmd_opus_loen", write_opus), ("sd_loen", write_sd), ("koebenhavn_loen", write_koebenhavn)):
        if system in systems:
            write(verden, month)
    add_truth(verden, month)


def words(verden: Verden) -> None:
    """The codes of this module as tables, so that the files are joined in SQL."""
    for name, values, columns in (
        ("o_ord", AGREEMENT_WORDS, "overenskomst, opus, sd, kk"),
        ("f_ord", FORM_WORDS, "form, opus, opus_tekst, sd, kk"),
        ("s_ord", STATUS_WORDS, "status, sd, kk"),
        ("l_ord", PAY_WORDS, "loenart, opus, sd, kk"),
        ("a_ord", ABSENCE_WORDS, "aarsag, opus, sd, kk"),
        ("n_ord", [(n, *level) for n, level in enumerate(zip(LEVELS, SD_LEVELS, strict=True), 1)], "niveau, enhedstype, sd"),
    ):
        verden.con.execute(f"create table if not exists pe.{name} as select * from (values {rows(values)}) as t ({columns})")


def unit_id(system: str, number: str, level: str) -> str:
    """SQL for a unit's number in its system."""
    digits = "'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'"
    code = " || ".join(f"substr({digits}, 1 + cast(({number}) // {power} % 36 as integer), 1)" for power in (1296, 36, 1))
    return f"(case {system} when 'kmd_opus_loen' then '00' || (500000 + {number}) when 'koebenhavn_loen' then cast(500000 + {number} as varchar) else substr('FAE', {level}, 1) || {code} end)"


def weekdays(start: str, stop: str) -> str:
    """SQL for the weekdays from a day up to another, which is not counted. The first of January 1900 was a Monday."""
    def until(day: str) -> str:
        return f"(date_diff('day', date '1900-01-01', {day}) // 7 * 5 + least(date_diff('day', date '1900-01-01', {day}) % 7, 5))"

    return f"({until(stop)} - {until(start)})"


def name_rows(verden: Verden, month: date) -> None:
    """The rows of the month's three tables and the organisation, with the identity that their system gives them: `pe.e`, `pe.a`, `pe.l` and `pe.f`."""
    con, end = verden.con, next_month(month)
    first, later = f"date '{month}'", f"date '{next_month(end)}'"
    con.execute(f"""
        create or replace table pe.e as
        select
            e.kommunekode, s.kildesystem, s.instrueret, e.nr, e.niveau, e.navn, n.enhedstype, n.sd as sd_niveau,
            {unit_id('s.kildesystem', 'e.nr', 'e.niveau')} as enhed_id, case when o.nr is not null then {unit_id('s.kildesystem', 'o.nr', 'o.niveau')} end as over_id,
            case when e.niveau = 3 then '0099' || lpad(cast((hash(e.kommunekode) % 1000) * 1000 + e.nr % 1000 as varchar), 6, '0') end as p_nummer,
            -- only Opus has units that have always been there
            case when e.fra = date '1900-01-01' and s.kildesystem <> 'kmd_opus_loen' then date '2007-01-01' else e.fra end as fra,
            -- that a unit will close is known when it has
            case when e.til <= date '{end}' then e.til else {DAY_AFTER_ALL} end as til
        from pe.enhed as e
        inner join pe.system as s on e.kommunekode = s.kommunekode and s.gyldig_fra <= {first} and s.gyldig_til > {first}
        inner join pe.n_ord as n on e.niveau = n.niveau
        left join pe.enhed as o on e.kommunekode = o.kommunekode and e.over_noegle = o.noegle
        where e.fra < date '{end}' and e.til > {first}
    """)
    con.execute(f"""
        create or replace table pe.a as
        select
            a.*,
            case when a.fejl_nu = 'PE-16' then {unit_id('a.kildesystem', '40000', '3')} else {unit_id('a.kildesystem', 'a.enhed_nr', '3')} end as enhed_id,
            case when a.fejl_nu = 'PE-10' then 'ukendt' else a.overenskomst end as vist_overenskomst,
            case when a.fejl_nu in ('PE-07', 'PE-18') then a.til else a.vist_til end as slut,
            case when a.kommunekode = '{LOCAL_FIELD}' and a.kildesystem = 'sd_loen' and a.fejl is null and {verden.chance("'pe'", 'a.nr', "'projekt'")} < 0.3
                then 'P-' || (100 + {verden.pick(900, "'pe'", 'a.nr')}) end as projekt,
            {ASIDE} as aarsag
        from pe.m_ans as a
    """)
    con.execute("""
        create or replace table pe.l as
        select
            a.kommunekode, a.kildesystem, a.instrueret, a.ansaettelse_id, a.person_nr, a.cpr, a.nr, l.linjenummer, l.loenart, l.timer, l.beloeb_kr, a.kilde_id || '-' || l.linjenummer as kilde_id,
            k.kontostreng, k.funktion, k.dranst, k.ejerforhold, k.gruppering, k.art, a.titel, a.er_timeloennet, a.overenskomst_nr, a.foedselsdato, a.fra, a.slut, a.fejl_nu, k.konto_nr,
            row_number() over (partition by a.kommunekode order by a.nr, l.linjenummer) as orden
        from pe.m_loen as l
        inner join pe.a as a on l.nr = a.nr
        inner join pe.konto as k on l.konto_nr = k.konto_nr
    """)
    con.execute(f"""
        create or replace table pe.f as
        with dele as (
            select
                f.*, a.kommunekode, a.kildesystem, a.instrueret, a.ansaettelse_id, a.person_nr, a.cpr, a.grad,
                greatest(f.fra, {first}) as del_fra, least(f.til, date '{end}') as del_til,
                -- one that goes on after the next month has no end yet
                case when f.til > {later} then {DAY_AFTER_ALL} else f.til end as vist_til,
                lpad(cast(a.nr_i_kommune as varchar), 5, '0') as nummer
            from pe.m_frav as f
            inner join pe.a as a on f.nr = a.nr
        )
        select
            * exclude (timer, nummer), false as er_kopi,
            substr(nummer, 1, 3) || case kildesystem when 'sd_loen' then '5' else '4' end || substr(nummer, 4) || lpad(cast(loebe as varchar), 3, '0') as fravaer_id,
            fravaer_id || '-{month:%Y%m}' as kilde_id,
            -- whole quarters of an hour
            cast(coalesce(timer, round({weekdays('del_fra', 'del_til')} * 7.4 * cast(grad as double) * case when er_delvis then 0.5 else 1.0 end * 4) / 4) as decimal(9, 2)) as timer,
            row_number() over (partition by kommunekode order by nr, loebe) as orden
        from dele
    """)
    con.execute("insert into pe.f select * replace (true as er_kopi) from pe.f where fejl = 'PE-19'")


def deliveries_of(system: str, month: date, corrected: bool = False) -> str:
    """SQL: the deliveries of a system's month, with what file names are made of. Only pay lines are `corrected`: nothing is sent twice as it was."""
    return f"""
        (
            select
                l.*, right(l.kommunekode, 3) as kom3, strftime(l.periode, '%Y%m') as aaaamm, strftime(l.udtrukket, '%Y%m%d') as aaaammdd,
                case when l.periode = (select max(m.periode) from pe.maaned as m) then coalesce(u.slags, '') else '' end as fravaer
            from pe.levering as l
            left join pe.uden_fravaer as u on l.kommunekode = u.kommunekode
            where l.kildesystem = '{system}' and l.periode = date '{month}' and (l.gang = 0 or {corrected})
        ) as d
    """


def lines(system: str, month: date, path: str, header: str, table: str, line: str, condition: str = "true") -> str:
    """SQL: the header and a line for each row of `pe.<table>` (as `r`) in each delivery (as `d`). An absence file may never come, or with a column that nobody has agreed."""
    deliveries = deliveries_of(system, month, corrected=table == "l")
    if table == "f":
        deliveries = f"(select * from {deliveries} where d.fravaer <> 'udeblevet') as d"
        header = f"{header} || case when d.fravaer = 'afvist' then '2' else '' end"
    return f"""
        select {path} as sti, d.mtime, 0 as orden, {header} as tekst from {deliveries}
        union all
        select {path}, d.mtime, r.orden, {line}
        from {deliveries}
        inner join pe.{table} as r on d.kommunekode = r.kommunekode
        {JOINS[table]}
        where {condition}
    """


JOINS = {
    "e": "",
    "a": """
        inner join pe.o_ord as o on r.vist_overenskomst = o.overenskomst
        inner join pe.f_ord as f on r.form = f.form
        inner join pe.s_ord as s on r.status = s.status
    """,
    "l": "inner join pe.l_ord as w on r.loenart = w.loenart",
    "f": "inner join pe.a_ord as w on r.aarsag = w.aarsag",
}
SEEN = "not (d.forkert and r.orden % 2 = 0)"        # of a first delivery with errors half the pay lines are missing


def with_total(system: str, month: date, path: str, header: str, line: str, start: str, amount: str, separator: str) -> str:
    """SQL: the file of pay lines with its end record: how many, and what they add up to (`i.kr`, written as `amount`)."""
    return f"""
        {lines(system, month, path, header, 'l', line, SEEN)}
        union all
        select {path}, d.mtime, {LAST}, '{start}{separator}' || coalesce(i.antal, 0) || '{separator}' || {amount}
        from {deliveries_of(system, month, corrected=True)}
        left join (
            select d.kommunekode, d.udtrukket, count(*) as antal, cast(sum(r.beloeb_kr) as decimal(18, 2)) as kr
            from {deliveries_of(system, month, corrected=True)}
            inner join pe.l as r on d.kommunekode = r.kommunekode
            where {SEEN}
            group by all
        ) as i on d.kommunekode = i.kommunekode and d.udtrukket = i.udtrukket
    """


def escaped(text: str) -> str:
    """SQL for a text in XML."""
    return f"replace(replace(replace({text}, '&', '&amp;'), '<', '&lt;'), '>', '&gt;')"


def last_day(day: str, form: str, opened: str) -> str:
    """SQL: the last day of what ends with a day that is not in it, or what stands for no end."""
    return f"case when {day} = {DAY_AFTER_ALL} then '{opened}' else strftime({day} - 1, '{form}') end"


def elements(parts: list[tuple[str, str]]) -> str:
    """SQL for elements after each other."""
    return " || ".join(f"'<{name}>' || {value} || '</{name}>'" for name, value in parts)


def write_opus(verden: Verden, month: date) -> None:
    """KMD Opus: one XML file with units and employees, and two with semicolons: ISO-8859-1, trailing minus, DD.MM.YYYY, hours with a decimal comma."""
    system, form = "kmd_opus_loen", "%d.%m.%Y"
    path = "'kmd/ZLPE_' || d.kom3 || '_' || d.aaaamm || '_' || d.aaaammdd || '.xml'"
    unit = elements([
        ("startDate", "r.fra"), ("endDate", last_day("r.til", "%Y-%m-%d", "9999-12-31")), ("parentOrgUnit", "coalesce(r.over_id, '')"), ("shortName", escaped("left(r.navn, 12)")),
        ("longName", escaped("r.navn")), ("costCenter", "d.kom3 || lpad(cast(r.nr as varchar), 7, '0')"), ("orgType", "'0' || r.niveau"), ("orgTypeTxt", "upper(left(r.enhedstype, 1)) || substr(r.enhedstype, 2)"),
        ("cvrNr", "'29' || lpad(cast(hash(r.kommunekode) % 1000000 as varchar), 6, '0')"), ("eanNr", "'5798009' || lpad(cast(r.nr as varchar), 6, '0')"), ("pNr", "coalesce(r.p_nummer, '0000000000')"),
    ])
    employee = elements([
        ("entryDate", "r.fra"), ("leaveDate", last_day("r.slut", "%Y-%m-%d", "9999-12-31")), ("workContract", "f.opus"), ("workContractText", "f.opus_tekst"),
        ("positionId", "lpad(cast(10000 + r.overenskomst_nr * 10 + length(r.titel) % 10 as varchar), 8, '0')"), ("position", escaped("r.titel")), ("positionShort", escaped("left(r.titel, 12)")),
        ("isManager", "case when r.er_leder then 'true' else 'false' end"), ("superiorLevel", "case when r.er_leder then '1' else '' end"), ("orgUnit", "r.enhed_id"), ("payGradeText", escaped("o.opus")),
        ("numerator", "case when r.er_timeloennet then r.timer_maaned else r.timer_uge end"), ("denominator", "case when r.er_timeloennet then '160.33' else '37.00' end"),
    ])
    changed = f"strftime(greatest(r.fra, date '{verden.first}' - 30), '%Y-%m-%d')"
    write_files(verden, f"""
        select {path} as sti, d.mtime, t.orden, t.tekst
        from {deliveries_of(system, month)}
        cross join (values (0, '<?xml version="1.0" encoding="utf-8"?>'), (1, '<kmd>'), ({LAST}, '</kmd>')) as t (orden, tekst)
        union all
        select
            {path}, d.mtime, 1 + r.nr,
            '<orgUnit id="' || r.enhed_id || '" client="' || d.kom3 || '" lastChanged="' || {changed} || '">' || {unit} || '</orgUnit>'
        from {deliveries_of(system, month)}
        inner join pe.e as r on d.kommunekode = r.kommunekode
        union all
        select
            {path}, d.mtime, 1000000 + r.nr,
            '<employee id="' || r.ansaettelse_id || '" client="' || d.kom3 || '" lastChanged="' || {changed} || '"><cpr suppId="' || r.bijob || '">' || r.cpr || '</cpr>' || {employee} || '</employee>'
        from {deliveries_of(system, month)}
        inner join pe.a as r on d.kommunekode = r.kommunekode
        {JOINS['a']}
        where not r.skjult
    """)
    pay = f"""
        concat_ws(';',
            r.ansaettelse_id, d.kom3, 'Z4', r.titel, 'DK', case when r.er_timeloennet then 'T' else 'M' end, 'K' || lpad(cast(r.overenskomst_nr as varchar), 2, '0'),
            date_sub('year', r.foedselsdato, date '{next_month(month)}'), {last_day('r.slut', form, '')}, r.cpr, w.opus, strftime(r.foedselsdato, '{form}'), strftime(r.fra, '{form}'), r.linjenummer,
            '0' || replace(r.funktion, '.', ''), r.dranst, r.ejerforhold, r.gruppering, replace(r.art, '.', ''), coalesce(replace(cast(r.timer as varchar), '.', ','), ''),
            {comma('r.beloeb_kr', trailing_minus=True)}
        )
    """
    total = comma("cast(coalesce(i.kr, 0) as decimal(18, 2))", trailing_minus=True)
    path = "'kmd/ZD2L1_' || d.kom3 || '_' || d.aaaamm || '_' || d.aaaammdd || '.csv'"
    write_files(verden, with_total(system, month, path, f"'{OPUS_PAY_HEADER}'", pay, "TOTAL", total, ";"), charset="iso-8859-1")
    absence = f"""
        concat_ws(';',
            d.kom3, r.ansaettelse_id, r.cpr, r.fravaer_id, w.opus, strftime(r.fra, '{form}'), {last_day('r.vist_til', form, '31.12.9999')}, replace(cast(r.timer as varchar), '.', ','),
            case when r.er_delvis then 'X' else '' end
        )
    """
    path = "'kmd/ZLFRAV_' || d.kom3 || '_' || d.aaaamm || '_' || d.aaaammdd || '.csv'"
    write_files(verden, lines(system, month, path, f"'{OPUS_ABSENCE_HEADER}'", "f", absence), charset="iso-8859-1")


def write_sd(verden: Verden, month: date) -> None:
    """SD Løn: XML for the units, pipes for the rest: UTF-8, ISO dates, decimal point, amounts in øre, CPR numbers without their leading zero."""
    system, form = "sd_loen", "%Y-%m-%d"
    name = "d.kommunekode || '_' || d.aaaamm || '_' || d.aaaammdd"
    number = "split_part(r.ansaettelse_id, '-', 1), split_part(r.ansaettelse_id, '-', 2), ltrim(r.cpr, '0')"
    letters = "cast(r.kommunekode as integer) * 3"
    unit = elements([
        ("InstitutionIdentifier", f"chr(cast(65 + ({letters}) // 26 % 26 as integer)) || chr(cast(65 + ({letters}) % 26 as integer))"), ("DepartmentIdentifier", "r.enhed_id"),
        ("DepartmentLevelIdentifier", "r.sd_niveau"), ("DepartmentName", escaped("r.navn")), ("ParentDepartmentIdentifier", "coalesce(r.over_id, '')"),
        ("ProductionUnitIdentifier", "coalesce(r.p_nummer, '')"), ("ActivationDate", "r.fra"), ("DeactivationDate", last_day("r.til", form, "9999-12-31")),
    ])
    write_files(verden, f"""
        select 'sd/SDORG_' || {name} || '.xml' as sti, d.mtime, t.orden, t.tekst
        from {deliveries_of(system, month)}
        cross join (
            values (0, '<?xml version="1.0" encoding="utf-8"?>'), (1, '<GetOrganizationResponse>'), ({LAST}, '</GetOrganizationResponse>')
        ) as t (orden, tekst)
        union all
        select 'sd/SDORG_' || {name} || '.xml', d.mtime, 1 + r.nr, '<Department>' || {unit} || '</Department>'
        from {deliveries_of(system, month)}
        inner join pe.e as r on d.kommunekode = r.kommunekode
    """)
    employment = f"""
        concat_ws('|',
            {number}, strftime(r.fra, '{form}'), {last_day('r.slut', form, '9999-12-31')}, s.sd, lpad(cast(1000 + r.overenskomst_nr * 10 + length(r.titel) % 10 as varchar), 4, '0'), r.titel, r.enhed_id,
            o.sd, f.sd, case when r.er_timeloennet then '' else cast(r.grad as varchar) end, case when r.er_timeloennet then cast(r.timer_maaned as varchar) else '' end,
            case when r.er_leder then '1' else '0' end
        ) || case when d.kommunekode = '{LOCAL_FIELD}' then '|' || coalesce(r.projekt, '') else '' end
    """
    header = f"'{SD_EMPLOYMENT_HEADER}' || case when d.kommunekode = '{LOCAL_FIELD}' then '|{LOCAL_NAME}' else '' end"
    write_files(verden, lines(system, month, f"'sd/SDANS_' || {name} || '.csv'", header, "a", employment, "not r.skjult").replace("r.orden", "r.nr_i_kommune"))
    pay = f"""
        concat_ws('|',
            {number}, r.linjenummer, w.sd, r.kontostreng, coalesce(cast(r.timer as varchar), ''), cast(cast(r.beloeb_kr * 100 as bigint) as varchar)
        )
    """
    total = "cast(cast(coalesce(i.kr, 0) * 100 as bigint) as varchar)"
    write_files(verden, with_total(system, month, f"'sd/SDLOEN_' || {name} || '.csv'", f"'{SD_PAY_HEADER}'", pay, "SLUT", total, "|"))
    absence = f"""
        concat_ws('|',
            {number}, r.fravaer_id, w.sd, strftime(r.fra, '{form}'), {last_day('r.vist_til', form, '9999-12-31')}, cast(r.timer as varchar), case when r.er_delvis then 'J' else 'N' end
        )
    """
    write_files(verden, lines(system, month, f"'sd/SDFRAV_' || {name} || '.csv'", f"'{SD_ABSENCE_HEADER}'", "f", absence))


def write_koebenhavn(verden: Verden, month: date) -> None:
    """København: semicolons, Windows-1252, quoted names, words instead of codes, share of full time in per cent, absence in minutes, CPR numbers with a hyphen."""
    system, form = "koebenhavn_loen", "%d-%m-%Y"
    end = "d.aaaamm || '_' || d.aaaammdd || '.csv'"
    cpr = "substr(r.cpr, 1, 6) || '-' || substr(r.cpr, 7)"
    quote = chr(34)
    unit = f"""
        concat_ws(';',
            r.enhed_id, coalesce(r.over_id, ''), '{quote}' || r.navn || '{quote}', r.niveau, strftime(r.fra, '{form}'), {last_day('r.til', form, '')}, coalesce(r.p_nummer, '')
        )
    """
    write_files(verden, lines(system, month, f"'koebenhavn/KK_ORG_' || {end}", f"'{KK_UNIT_HEADER}'", "e", unit).replace("r.orden", "r.nr"), charset="windows-1252")
    employment = f"""
        concat_ws(';',
            r.ansaettelse_id, {cpr}, strftime(r.fra, '{form}'), {last_day('r.slut', form, '')}, s.kk, '{quote}' || r.titel || '{quote}', '{quote}' || o.kk || '{quote}', f.kk, r.enhed_id,
            case when r.er_timeloennet then '' else replace(cast(cast(r.grad * 100 as decimal(9, 2)) as varchar), '.', ',') end,
            case when r.er_timeloennet then replace(cast(r.timer_maaned as varchar), '.', ',') else '' end, case when r.er_leder then 'J' else 'N' end
        )
    """
    write_files(
        verden, lines(system, month, f"'koebenhavn/KK_ANS_' || {end}", f"'{KK_EMPLOYMENT_HEADER}'", "a", employment, "not r.skjult").replace("r.orden", "r.nr_i_kommune"), charset="windows-1252",
    )
    pay = f"""
        concat_ws(';',
            r.ansaettelse_id, {cpr}, r.linjenummer, w.kk, replace(r.funktion, '.', '') || r.dranst || r.ejerforhold || r.gruppering || replace(r.art, '.', ''),
            coalesce(replace(cast(r.timer as varchar), '.', ','), ''), {comma('r.beloeb_kr')}
        )
    """
    total = comma("cast(coalesce(i.kr, 0) as decimal(18, 2))")
    write_files(verden, with_total(system, month, f"'koebenhavn/KK_LOEN_' || {end}", f"'{KK_PAY_HEADER}'", pay, "I alt", total, ";"), charset="windows-1252")
    absence = f"""
        concat_ws(';',
            r.ansaettelse_id, {cpr}, r.fravaer_id, w.kk, strftime(r.fra, '{form}'), {last_day('r.vist_til', form, '')}, cast(r.timer * 60 as integer), case when r.er_delvis then 'J' else 'N' end
        )
    """
    write_files(verden, lines(system, month, f"'koebenhavn/KK_FRAV_' || {end}", f"'{KK_ABSENCE_HEADER}'", "f", absence), charset="windows-1252")


def add_truth(verden: Verden, month: date) -> None:
    """The month's rows as they should come out, as a part of each truth, and the faults that are planted in it."""
    con = verden.con
    period = f"date '{month}' as periode"
    parts = {
        "std_personale__organisation": f"""
            select
                kommunekode, {period}, enhed_id, over_id as overordnet_enhed_id, navn as enhedsnavn, enhedstype, p_nummer, fra as gyldig_fra, til as gyldig_til, kildesystem,
                enhed_id || '-{month:%Y%m}' as kilde_id
            from pe.e
            where instrueret
        """,
        "std_personale__ansaettelse": f"""
            select
                a.kommunekode, {period}, a.ansaettelse_id, p.person_id, a.enhed_id, a.vist_overenskomst as overenskomst, a.titel as stillingsbetegnelse, a.form as ansaettelsesform,
                a.status as ansaettelsesstatus, a.fra as ansat_dato, a.slut as fratraadt_dato, a.grad as beskaeftigelsesgrad, a.er_timeloennet, a.er_leder, a.kildesystem, a.kilde_id
            from pe.a as a
            inner join borger.person_id as p on a.person_nr = p.person_nr
            where a.instrueret and not a.skjult and a.aarsag is null
        """,
        "std_personale__loenlinje": f"""
            select
                l.kommunekode, {period}, l.ansaettelse_id, p.person_id, l.loenart, l.kontostreng, l.funktion, l.dranst, l.ejerforhold, l.gruppering, l.art, l.timer, l.beloeb_kr, l.kildesystem,
                l.kilde_id
            from pe.l as l
            inner join borger.person_id as p on l.person_nr = p.person_nr
            where l.instrueret
        """,
        "std_personale__fravaer": f"""
            select
                f.kommunekode, {period}, f.fravaer_id, f.ansaettelse_id, p.person_id, f.aarsag as fravaersaarsag, f.del_fra as gyldig_fra, f.del_til as gyldig_til, f.fra as fravaer_fra,
                f.vist_til as fravaer_til, f.timer, f.er_delvis, f.kildesystem, f.kilde_id
            from pe.f as f
            inner join borger.person_id as p on f.person_nr = p.person_nr
            where f.instrueret and not f.er_kopi
        """,
    }
    for model, sql in parts.items():
        folder = verden.home.tmp / "demo_facit" / model
        folder.mkdir(parents=True, exist_ok=True)
        con.execute(f"copy ({sql} order by kommunekode, kildesystem, kilde_id) to '{folder / f'{month:%Y%m}.parquet'}' (format parquet)")
    con.execute(f"""
        insert into pe.frasat
        select kommunekode, kildesystem, case kildesystem when 'kmd_opus_loen' then 'medarbejder' else 'ansaettelse' end, kilde_id, {period}, aarsag
        from pe.a
        where aarsag is not null and instrueret
        union all
        select kommunekode, kildesystem, 'fravaer', kilde_id, {period}, 'dublet' from pe.f where er_kopi and instrueret
    """)
    con.execute(f"insert into pe.lokalt_felt select kommunekode, kildesystem, kilde_id, '{LOCAL_NAME}', projekt from pe.a where projekt is not null and instrueret and not skjult and aarsag is null")
    con.execute(f"""
        insert into verden.fejl
        select 'load:manglende_kolonne', d.kildesystem, d.kommunekode, {period}, 'SDFRAV_' || d.kommunekode || '_' || d.aaaamm || '_' || d.aaaammdd || '.csv'
        from {deliveries_of('sd_loen', month)}
        where d.fravaer = 'afvist'
        union all
        select fejl_nu, kildesystem, kommunekode, {period}, kildesystem || '|' || max(kilde_id)
        from pe.a
        where fejl_nu in ('PE-04', 'PE-05', 'PE-06', 'PE-07', 'PE-10', 'PE-11', 'PE-16', 'PE-17', 'PE-18')
        -- of a person's two employments the one with the greatest number
        group by fejl_nu, kildesystem, kommunekode, person_nr
        union all
        select fejl, kildesystem, kommunekode, {period}, kildesystem || '|' || kilde_id from pe.a where fejl = 'PE-13' and doedsdato < date '{month}'
        union all
        select fejl, kildesystem, kommunekode, {period}, kildesystem || '|' || kilde_id from pe.f where fejl is not null and not er_kopi
        union all
        select fejl_nu, kildesystem, kommunekode, {period}, kildesystem || '|' || kilde_id from pe.l where fejl_nu = 'PE-15'
        union all
        select distinct 'PE-14', 'personale', l.kommunekode, {period}, 'personale|{month:%Y-%m}.' || l.kontostreng
        from pe.l as l
        inner join pe.for_meget as f on l.konto_nr = f.konto_nr and f.periode = date '{month}'
        union all
        -- a file with a row set aside does not add up with the standard
        select distinct
            'PE-94', d.kildesystem, d.kommunekode, {period},
            d.kildesystem || '|' || case d.kildesystem
                when 'kmd_opus_loen' then case when f.tabel = 'fravaer' then 'ZLFRAV_' else 'ZLPE_' end || right(d.kommunekode, 3)
                when 'sd_loen' then case when f.tabel = 'fravaer' then 'SDFRAV_' else 'SDANS_' end || d.kommunekode
                else case when f.tabel = 'fravaer' then 'KK_FRAV' else 'KK_ANS' end
            end || strftime(d.periode, '_%Y%m') || strftime(max(d.udtrukket), '_%Y%m%d') || case when d.kildesystem = 'kmd_opus_loen' and f.tabel <> 'fravaer' then '.xml' else '.csv' end
        from pe.levering as d
        inner join pe.frasat as f on d.kommunekode = f.kommunekode and d.periode = f.periode
        where d.periode = date '{month}' and d.gang = 0
        group by d.kildesystem, d.kommunekode, d.periode, f.tabel
        order by all
    """)


def write_truth(verden: Verden) -> None:
    """The truth of this area's standardized tables. The parts are in order, and each is: sorting the whole would take memory that grows with the months."""
    parts = verden.home.tmp / "demo_facit"
    for folder in sorted(parts.iterdir()):
        verden.truth(folder.name, f"select * from read_parquet({[str(part) for part in sorted(folder.glob('*.parquet'))]})")
    shutil.rmtree(parts)
    verden.truth("std_personale__frasat", "select * from pe.frasat order by all")
    verden.truth("std_personale__lokalt_felt", "select * from pe.lokalt_felt order by all")
