"""Økonomi: each finance system's way of writing the ledger, and the same rows as truth."""

from __future__ import annotations

from datetime import date, timedelta

from flis.demo.skriv import write_files
from flis.demo.verden import Verden, next_month

RESENT = ("0450", "0440")  # first send a month with errors, and a week later the correct one
LOCAL_FIELD = "0851"       # delivers LOKAL_PROJEKT as an extra last column
LOCAL_NAME = "LOKAL_PROJEKT"

# What stands in text fields. Number 50 and up are set by the kind of row, 99 is a reversal.
TEXTS = [
    "Løn til fastansatte", "Faktura, rengøring", "Vikarbureau, sygefravær", "Køb af fødevarer", "Husleje 3. kvartal", "Kørsel",
    "Tilskud til forening", "Opkrævning", "Mellemkommunal afregning", "Konsulentydelse", "Småanskaffelser", "Momsreguleret faktura",
]
SPECIAL = {50: "Primosaldo", 51: "Supplementspostering", 52: "Budget", 53: "Manuel postering", 54: "Intern afregning", 99: "Tilbageført bilag"}

OPUS_HEADER = (
    "ZIKOM;COMP_CODE0;FISCYEAR0;FISCVARNT0;VERSION0;VTYPE0;FISCPER30;AC_DOC_NO0;ITEM_NUM0;AC_DOC_TYP0;ZIHKTO;ZIFUNKT;ZIDRANST;ZIEJERFH;"
    "ZIGRUPP;ZIART_IM;COSTCENTER0;POSTXT;PSTNG_DATE0;AMOUNT0;"
)
PRISME_HEADER_V1 = "kommune|journalnummer|linjenummer|bogfoeringsdato|regnskabsaar|periode|dimension|ejerforhold|art|tekst|beloeb"
PRISME_HEADER_V2 = "journalnummer|linjenummer|kommune|regnskabsaar|periode|bogfoeringsdato|dimension|ejerforhold|art|projekt|beloeb|tekst"
PRISME_BUDGET_HEADER = "kommune|budgetmodel|budgetregister|linjenummer|dato|regnskabsaar|periode|dimension|ejerforhold|art|beloeb"
KOER_HEADER = "kommune|regnskabsaar|periode|bilagsnr|linje|dato|funkniv1|funkniv2|funkniv3|dranst|ejer|grupniv1|artniv1|artniv2|tekst|beloeb"
KOER_BUDGET_HEADER = "kommune|budgetaar|periode|budgettype|budgetnr|linje|dato|funkniv1|funkniv2|funkniv3|dranst|ejer|grupniv1|artniv1|artniv2|beloeb_tkr"
KOER_HEADER_EVERY = 200    # the extract repeats its header at every page


def write_month(verden: Verden, month: date, part: int) -> None:
    """Write the files of the rows in `post` (one delivered month), and the rows as part number `part` of the truth."""
    plan_deliveries(verden, month)
    name_rows(verden)
    systems = {row[0] for row in verden.con.execute("select distinct kildesystem from k_alle").fetchall()}
    for system, write in (("kmd_opus", write_opus), ("fujitsu_prisme", write_prisme), ("oes_indsigt", write_oes), ("koer", write_koer)):
        if system in systems:
            write(verden, month)
    add_truth(verden, month, part)


def regular_extract(month: date) -> date:
    """The day on which a whole month is drawn."""
    return next_month(month) + timedelta(days=4)


def plan_deliveries(verden: Verden, month: date) -> None:
    """`levering`, from the municipalities in `k_alle`: each extract of the month: when it was drawn, when it arrived (UTC), up to which date it goes."""
    con = verden.con
    days: list[tuple[str, date, date, bool]] = []
    regular = regular_extract(month)
    far = date(9999, 12, 31)
    resent_month = verden.months[min(1, len(verden.months) - 1)]
    for code, beat in con.execute("select kommunekode, kadence from k_alle order by kommunekode").fetchall():
        if beat == "uge":
            days += [(code, month + timedelta(days=day), month + timedelta(days=day - 1), False) for day in (7, 14, 21)]
        if beat == "dag":
            day = month + timedelta(days=1)
            while day < next_month(month):
                if day.weekday() < 5:
                    days.append((code, day, day - timedelta(days=1), False))
                day += timedelta(days=1)
        if code in RESENT and month == resent_month:
            days += [(code, regular, far, True), (code, regular + timedelta(days=7), far, False)]
        else:
            days.append((code, regular, far, False))
    con.execute("create or replace temp table levering_dage (kommunekode varchar, udtraek date, til_dato date, med_fejl boolean)")
    if days:
        con.executemany("insert into levering_dage values (?, ?, ?, ?)", days)
    con.execute(
        f"""
        create or replace temp table levering as
        select
            d.*, k.kildesystem, k.leveret, right(d.kommunekode, 3) as kom3, strftime(k.leveret, '%Y%m') as aaaamm, strftime(d.udtraek, '%Y%m%d') as aaaammdd,
            cast(d.udtraek as timestamp) + to_minutes(75 + {verden.pick(180, 'd.kommunekode', 'd.udtraek')}) as mtime
        from levering_dage as d
        inner join k_alle as k on d.kommunekode = k.kommunekode
        """
    )


def name_rows(verden: Verden) -> None:
    """`p`: the rows with the identity and the text their system gives them."""
    texts = ", ".join(f"'{text}'" for text in TEXTS)
    special = " ".join(f"when {number} then '{text}'" for number, text in SPECIAL.items())
    verden.con.execute(
        f"""
        create or replace temp table p as
        with poster as (
            select
                *,
                make_date(regnskabsaar, greatest(1, least(12, regnskabsperiode)), 1) as periode,
                substr(funktion, 1, 1) as hovedkonto,
                substr(funktion, 1, 4) as hovedfunktion,
                replace(funktion, '.', '') as funktion5,
                replace(art, '.', '') as art2,
                concat_ws('.', funktion, dranst, ejerforhold, gruppering, art) as kontostreng,
                case when beloebstype = 'regnskab' then 'regnskab' else 'budget' end as slags,
                right(cast(regnskabsaar as varchar), 2) || lpad(cast(regnskabsperiode as varchar), 2, '0') || lpad(cast(bilag as varchar), 6, '0') as nr,
                case tekst_nr {special} else list_value({texts})[tekst_nr + 1] end as tekst
            from post
        ),
        -- ØS Indsigt keeps balances: one row per account string and period, or per account string, budget and date.
        saldi as (
            select
                kommunekode, kildesystem, leveret, beloebstype, regnskabsaar, regnskabsperiode, periode, kontostreng, hovedkonto, hovedfunktion, funktion, funktion5,
                dranst, ejerforhold, gruppering, art, art2, slags, regel_id,
                max(er_fejl) as er_fejl,
                case when slags = 'budget' then dato end as bogfoeringsdato,
                funktion5 || dranst || ejerforhold || gruppering || art2 || case when regel_id is null then '0000' else omkostningssted end as ktonr,
                sum(beloeb_kr) as beloeb_kr
            from poster
            where kildesystem = 'oes_indsigt'
            group by all
        )
        select
            kommunekode, kildesystem, leveret, beloebstype, regnskabsaar, regnskabsperiode, periode, kontostreng, hovedkonto, hovedfunktion, funktion, funktion5,
            dranst, ejerforhold, gruppering, art, art2, slags, regel_id, er_fejl, dato as bogfoeringsdato, cast(null as varchar) as ktonr, beloeb_kr,
            nr, bilag, linje, omkostningssted, tekst, tekst_nr, dato,
            case
                when kildesystem = 'fujitsu_prisme' and slags = 'regnskab' then 'J' || nr
                when kildesystem in ('fujitsu_prisme', 'koer') and slags = 'budget' then 'B' || nr
                else nr
            end as dokument,
            dokument || '-' || linje as kilde_id,
            case when kildesystem = 'kmd_opus' or slags = 'regnskab' then dokument end as bilag_id,
            case kildesystem
                when 'kmd_opus' then 'zd1sl'
                when 'fujitsu_prisme' then case slags when 'regnskab' then 'finanspostering' else 'budget' end
                else slags
            end as tabel
        from poster
        where kildesystem <> 'oes_indsigt'
        union all
        select
            kommunekode, kildesystem, leveret, beloebstype, regnskabsaar, regnskabsperiode, periode, kontostreng, hovedkonto, hovedfunktion, funktion, funktion5,
            dranst, ejerforhold, gruppering, art, art2, slags, regel_id, er_fejl, bogfoeringsdato, ktonr, cast(beloeb_kr as decimal(18, 2)),
            null, 0, 0, null, 'Konto ' || funktion || ' – beløb i €-øre', 0, coalesce(bogfoeringsdato, leveret), null,
            ktonr || '-' || regnskabsaar || '-' || case slags
                when 'regnskab' then lpad(cast(regnskabsperiode as varchar), 2, '0')
                else {OES_BUDGET_TYPE} || '-' || strftime(bogfoeringsdato, '%d%m%y')
            end,
            null, case slags when 'regnskab' then 'saldo' else 'budget' end
        from saldi
        """
    )


# Why the standard sets a row aside, if it does: the planted faults whose amount, period or account cannot be read.
ASIDE = (
    "case when regel_id = 'OK-07' then 'beloeb_ulaeseligt' when regnskabsperiode > 16 then 'periode_ugyldig'"
    " when length(funktion) < 7 then 'konto_ulaeselig' end"
)
OES_BUDGET_TYPE = "case beloebstype when 'oprindeligt_budget' then 'O' when 'korrigeret_budget' then 'K' else 'X' end"

# A first delivery with errors: amounts of one art ten times too large, and one function forgotten.
AMOUNT = "cast(case when d.med_fejl and p.art = '4.0' then p.beloeb_kr * 10 else p.beloeb_kr end as decimal(18, 2))"
ROWS = """
    from p
    inner join levering as d
        on p.kommunekode = d.kommunekode and p.leveret = d.leveret and p.dato <= d.til_dato
            and not (d.med_fejl and p.funktion = '6.45.52')
    where p.kildesystem = '{system}'
"""


def comma(amount: str, decimals: int = 2, trailing_minus: bool = False) -> str:
    """SQL: 1.234,56 with the sign before, or after as classic KMD has it. `amount` is a decimal with at most that many decimals."""
    power = 10**decimals
    units = f"cast(abs({amount}) * {power} as bigint)"
    number = f"replace(format('{{:,}}', {units} // {power}), ',', '.') || ',' || lpad(cast({units} % {power} as varchar), {decimals}, '0')"
    sign = f"case when {amount} < 0 then '-' else '' end"
    return f"{number} || {sign}" if trailing_minus else f"{sign} || {number}"


def write_opus(verden: Verden, month: date) -> None:
    """KMD Opus: semicolon with one after the last field too, ISO-8859-1, trailing minus, DD.MM.YYYY, and a TOTAL record."""
    add_local_fields(verden)
    local = f"d.kommunekode = '{LOCAL_FIELD}'"
    write_files(
        verden,
        f"""
        with raekker as (
            select
                d.kommunekode, d.udtraek, {AMOUNT} as kr,
                case when p.regel_id = 'OK-07' then '12.3X5,00' else {comma(AMOUNT, trailing_minus=True)} end as beloeb,
                row_number() over (partition by d.kommunekode, d.udtraek order by p.slags desc, p.regnskabsaar, p.regnskabsperiode, p.bilag, p.linje) as orden,
                concat_ws(';',
                    d.kom3, '0' || d.kom3, p.regnskabsaar, 'Z4',
                    case p.beloebstype when 'regnskab' then '000' when 'oprindeligt_budget' then '010' when 'korrigeret_budget' then '020' else '099' end,
                    case p.beloebstype when 'regnskab' then '010' when 'ukendt' then '099' else '020' end,
                    p.regnskabsperiode, p.dokument, p.linje, case when p.tekst_nr = 99 then 'ST' when p.slags = 'budget' then 'BU' else 'SA' end,
                    p.hovedkonto, '0' || p.funktion5, p.dranst, p.ejerforhold, '0' || p.funktion5 || '/' || p.dranst || '/' || p.gruppering, p.art2,
                    d.kom3 || p.omkostningssted, p.tekst, strftime(p.dato, '%d.%m.%Y')
                ) as start,
                case when {local} then coalesce(f.vaerdi, '') || ';' else '' end as ekstra
            {ROWS.format(system='kmd_opus').replace('where', 'left join lokal as f on p.kommunekode = f.kommunekode and p.kilde_id = f.kilde_id where')}
        ),
        sti as (
            select *, 'kmd/ZD1SL_' || kom3 || '_' || aaaamm || '_' || aaaammdd || '.csv' as sti
            from levering as d where kildesystem = 'kmd_opus'
        ),
        ialt as (
            select kommunekode, udtraek, count(*) as antal, coalesce(sum(kr) filter (kr > 0), 0) as kr from raekker group by all
        )
        select sti, mtime, 0 as orden, '{OPUS_HEADER}' || case when {local} then '{LOCAL_NAME};' else '' end as tekst from sti as d
        union all
        select d.sti, d.mtime, r.orden, r.start || ';' || r.beloeb || ';' || r.ekstra
        from raekker as r inner join sti as d on r.kommunekode = d.kommunekode and r.udtraek = d.udtraek
        union all
        select d.sti, d.mtime, 1000000000, 'TOTAL;' || coalesce(i.antal, 0) || ';' || {comma("cast(coalesce(i.kr, 0) as decimal(18, 2))", trailing_minus=True)} || ';'
        from sti as d left join ialt as i on d.kommunekode = i.kommunekode and d.udtraek = i.udtraek
        """,
        charset="iso-8859-1",
    )


def add_local_fields(verden: Verden) -> None:
    """About three in ten rows of one municipality carry its own project number."""
    verden.con.execute(
        f"""
        create or replace temp table lokal as
        select kommunekode, kildesystem, kilde_id, '{LOCAL_NAME}' as felt, 'P-' || ({verden.pick(900, "'projekt'", 'kilde_id')} + 100) as vaerdi
        from p
        where kildesystem = 'kmd_opus' and kommunekode = '{LOCAL_FIELD}' and {verden.pick(10, "'har projekt'", 'kilde_id')} < 3
            and {ASIDE} is null
        """
    )
    verden.con.execute("insert into oek.lokalt_felt select * from lokal")


def write_prisme(verden: Verden, month: date) -> None:
    """Fujitsu Prisme: pipe, UTF-8 with BOM, quoted text, ISO dates, decimal point; interface v2 from the middle of the history."""
    second = month >= verden.change and len(verden.months) > 1
    quoted = (
        "'\"' || replace(case p.tekst_nr when 6 then 'Tilskud \"Åben hal\" | hold 2' when 8 then 'Afregning KÃ¸benhavn'"
        " when 11 then 'Faktura' || chr(10) || 'se bilag' else p.tekst end, '\"', '\"\"') || '\"'"
    )
    # <local unit>-<hovedkonto, hovedfunktion, funktion, dranst, gruppering>-<cost centre>
    dimension = "'99010-' || p.funktion5 || p.dranst || p.gruppering || '-1' || p.omkostningssted"
    amount = f"case when p.regel_id = 'OK-07' then '12,3x5.00' else cast({AMOUNT} as varchar) end"
    number = "row_number() over (partition by d.kommunekode, d.udtraek order by p.regnskabsaar, p.regnskabsperiode, p.bilag, p.linje)"
    if second:
        name, header = "'fujitsu/FinansPost_v2_'", PRISME_HEADER_V2
        project = f"case when {verden.pick(10, 'p.kilde_id')} = 0 then 'XG-' || p.omkostningssted else '' end"
        fields = f"p.dokument, p.linje, d.kommunekode, p.regnskabsaar, p.regnskabsperiode, p.dato, {dimension}, p.ejerforhold, p.art, {project}, {amount}, {quoted}"
    else:
        name, header = "'fujitsu/FinansPost_'", PRISME_HEADER_V1
        fields = f"d.kommunekode, p.dokument, p.linje, p.dato, p.regnskabsaar, p.regnskabsperiode, {dimension}, p.ejerforhold, p.art, {quoted}, {amount}"
    path = f"{name} || d.kommunekode || '_' || d.aaaamm || '_' || d.aaaammdd || '.txt'"
    budget_path = "'fujitsu/Budget_' || d.kommunekode || '_' || d.aaaamm || '_' || d.aaaammdd || '.txt'"
    model = "case p.beloebstype when 'oprindeligt_budget' then 'VEDT' when 'korrigeret_budget' then 'KORR' else 'SIM1' end"
    rows = ROWS.format(system="fujitsu_prisme")
    write_files(
        verden,
        f"""
        select {path} as sti, d.mtime, 0 as orden, '{header}' as tekst from levering as d where d.kildesystem = 'fujitsu_prisme'
        union all
        select {path}, d.mtime, {number}, concat_ws('|', {fields}) {rows} and p.tabel = 'finanspostering'
        union all
        select {budget_path}, d.mtime, 0, '{PRISME_BUDGET_HEADER}' from levering as d where d.kildesystem = 'fujitsu_prisme'
        union all
        select
            {budget_path}, d.mtime, {number},
            concat_ws('|', d.kommunekode, {model}, p.dokument, p.linje, p.dato, p.regnskabsaar, p.regnskabsperiode, {dimension}, p.ejerforhold, p.art, {amount})
        {rows} and p.tabel = 'budget'
        """,
        charset="utf-8",
        bom=True,
    )


def write_oes(verden: Verden, month: date) -> None:
    """EG ØS Indsigt: fixed width, Windows-1252, record types, amounts in øre with the sign last, AAAAMM and DDMMÅÅ."""
    path = "'eg/OESI_' || d.kom3 || '_' || d.aaaamm || '_' || d.aaaammdd || '.txt'"
    oere = f"lpad(cast(cast(abs({AMOUNT}) * 100 as bigint) as varchar), 14, '0') || case when {AMOUNT} < 0 then '-' else '+' end"
    amount = f"case when p.regel_id = 'OK-07' then 'XXXXXXXXXXXXXX+' else {oere} end"
    write_files(
        verden,
        f"""
        with raekker as (
            select
                {path} as sti, d.mtime, row_number() over (partition by d.kommunekode, d.udtraek order by p.tabel desc, p.kilde_id) as orden,
                case p.tabel
                    when 'saldo' then
                        'SAL' || rpad(p.ktonr, 16, ' ') || p.regnskabsaar || p.regnskabsaar || lpad(cast(p.regnskabsperiode as varchar), 2, '0') || {amount} || rpad(p.tekst, 40, ' ')
                    else 'BUD' || p.ktonr || p.regnskabsaar || {OES_BUDGET_TYPE} || strftime(p.bogfoeringsdato, '%d%m%y') || {amount}
                end as tekst
            {ROWS.format(system='oes_indsigt')}
        )
        select * from raekker
        union all
        select {path}, d.mtime, 1000000000, 'SLU' || lpad(cast((select count(*) from raekker as r where r.sti = {path}) as varchar), 9, '0')
        from levering as d where d.kildesystem = 'oes_indsigt'
        """,
        charset="windows-1252",
    )


def write_koer(verden: Verden, month: date) -> None:
    """KØR: tabs, UTF-8, Excel's day numbers, the header again at every page, København by name, kr. in the accounts and t.kr. in the budget."""
    name = "'koebenhavn/KOER_' || upper('{kind}') || '_' || d.aaaamm || '_' || d.aaaammdd || '.tsv'"
    thousand = f"cast({AMOUNT} / 1000 as decimal(18, 3))"
    account = "p.hovedkonto, replace(p.hovedfunktion, '.', ''), p.funktion5, p.dranst, p.ejerforhold, p.gruppering, substr(p.art, 1, 1), p.art2"
    serial = "date_diff('day', date '1899-12-30', p.dato)"
    shapes = {
        "regnskab": (KOER_HEADER, "p.regnskabsaar, p.regnskabsperiode, p.dokument, p.linje", "p.tekst, ", AMOUNT, 2),
        "budget": (
            KOER_BUDGET_HEADER,
            "p.regnskabsaar, p.regnskabsperiode, case p.beloebstype when 'oprindeligt_budget' then 'Vedtaget' when 'korrigeret_budget' then 'Korrigeret' else 'Prognose' end, p.dokument, p.linje",
            "", thousand, 3,
        ),
    }
    for kind, (header, start, text, amount, decimals) in shapes.items():
        path = name.format(kind=kind)
        head = header.replace("|", "\t")
        written = f"case when p.regel_id = 'OK-07' then 'ukendt' else {comma(amount, decimals)} end"
        write_files(
            verden,
            f"""
            with raekker as (
                select
                    {path} as sti, d.mtime, {amount} as kr,
                    row_number() over (partition by d.udtraek order by p.regnskabsaar, p.regnskabsperiode, p.bilag, p.linje) as nr,
                    concat_ws('\t', 'København', {start}, {serial}, {account}, {text} {written}) as tekst
                {ROWS.format(system='koer')} and p.tabel = '{kind}'
            ),
            ialt as (
                select sti, count(*) as antal, cast(sum(kr) filter (kr > 0) as decimal(18, {decimals})) as kr from raekker group by all
            )
            select {path} as sti, d.mtime, 0 as orden, '{head}' as tekst from levering as d where d.kildesystem = 'koer'
            union all
            select sti, mtime, nr * 2, tekst from raekker
            union all
            select sti, mtime, nr * 2 + 1, '{head}' from raekker where nr % {KOER_HEADER_EVERY} = 0
            union all
            select
                {path}, d.mtime, 1000000000,
                'I alt\t' || coalesce(i.antal, 0) || '\t' || {comma(f"cast(coalesce(i.kr, 0) as decimal(18, {decimals}))", decimals)}
            from levering as d left join ialt as i on {path} = i.sti
            where d.kildesystem = 'koer'
            """,
        )


def add_truth(verden: Verden, month: date, part: int) -> None:
    con = verden.con
    con.execute(
        f"""
        copy (
            select
                kommunekode, kildesystem, kilde_id, beloebstype, regnskabsaar, regnskabsperiode, periode, leveret as leveret_periode,
                kontostreng, hovedkonto, hovedfunktion, funktion, dranst, ejerforhold, gruppering, art, bilag_id, bogfoeringsdato, beloeb_kr
            from p
            where {ASIDE} is null and (kommunekode, leveret) not in (select (kommunekode, maaned) from oek.saerlig where regel_id = 'OK-92')
            order by kommunekode, kildesystem, regnskabsaar, kilde_id
        ) to '{verden.home.tmp / "demo_facit" / f"{part:06}.parquet"}' (format parquet)
        """
    )
    con.execute(f"insert into oek.frasat select kommunekode, kildesystem, tabel, kilde_id, leveret, {ASIDE} from p where {ASIDE} is not null")
    # A row that is set aside belongs to the month it was delivered for.
    con.execute(
        f"""
        insert into verden.fejl
        select regel_id, kildesystem, kommunekode, case when {ASIDE} is null then periode else leveret end, kildesystem || '|' || kilde_id from p where er_fejl
        union all
        select distinct p.regel_id, 'oekonomi', p.kommunekode, p.periode, 'oekonomi|' || strftime(p.periode, '%Y-%m') || s.endelse
        from p
        inner join oek.samlet_fejl as s on p.regel_id = s.regel_id
        """
    )
    # A file with a row set aside does not add up with the standard (OK-94). The last extract of the month is the one that counts.
    version = "v2_" if month >= verden.change and len(verden.months) > 1 else ""
    con.execute(
        f"""
        insert into verden.fejl
        select distinct
            'OK-94', d.kildesystem, d.kommunekode, d.leveret,
            d.kildesystem || '|' || case d.kildesystem
                when 'kmd_opus' then 'ZD1SL_' || d.kom3 || '_' || d.aaaamm || '_' || d.aaaammdd || '.csv'
                when 'fujitsu_prisme' then 'FinansPost_{version}' || d.kommunekode || '_' || d.aaaamm || '_' || d.aaaammdd || '.txt'
                when 'oes_indsigt' then 'OESI_' || d.kom3 || '_' || d.aaaamm || '_' || d.aaaammdd || '.txt'
                when 'koer' then 'KOER_REGNSKAB_' || d.aaaamm || '_' || d.aaaammdd || '.tsv'
            end
        from levering as d
        semi join (select kommunekode from p where {ASIDE} is not null) as f on d.kommunekode = f.kommunekode
        where d.til_dato = date '9999-12-31' and not d.med_fejl
        """
    )
