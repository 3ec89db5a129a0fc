"""From spool to raw: lines become rows in SQL, and every line is accounted for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flis.contracts.contract import ControlTotal, FileType, Table
from flis.core import danish
from flis.core.home import REPO
from flis.core.reasons import Reason, catalogue
from flis.intake.inspection import MOST_ASIDE, NOT_TAKEN, POST, Inspected

if TYPE_CHECKING:
    import duckdb

    from flis.contracts.installation import Setup

ANOTHER = "anden_kommune"       # the reason of a line that says it is another municipality's
MOST_MONEY = 10**13     # kr. in one table of one file, signs apart: above it is no account, and sums of sums would leave decimal(18,2)


class Unbalanced(Exception):
    """The account of a file does not come out: rows were lost or made between file and table. A fault of ours; nothing is loaded."""


@dataclass(frozen=True)
class Part:
    """One file's part of a spool. `closed` are the municipalities whose rows must not be stored."""

    ident: int
    fil: str
    kommunekode: str | None
    periode: date | None
    found: Inspected
    taken: bool
    closed: tuple[str, ...] = ()


@dataclass
class Account:
    """lines = rows + set_aside + without + technical (header, start and end records), counted in lines of the file."""

    rows: int = 0
    set_aside: int = 0
    without: int = 0
    technical: int = 0
    total: Decimal | None = None
    refusal: Reason | None = None
    warnings: list[Reason] = field(default_factory=list)


@cache
def _macros() -> Any:
    import jinja2

    return jinja2.Environment().from_string((REPO / "macros" / "typer.sql").read_text(encoding="utf-8")).module


def cpr_sql(expression: str) -> str:
    """SQL for a normalised CPR number: the macro som_cpr, the one definition."""
    return str(_macros().som_cpr(expression)).strip()


def cpr_is_valid_sql(cpr: str) -> str:
    """SQL: a normalised CPR number is valid today: the macro cpr_er_gyldigt."""
    return str(_macros().cpr_er_gyldigt(cpr, "current_date")).strip()


def amount_sql(expression: str, talformat: str) -> str:
    """SQL for an amount: the macro som_beloeb."""
    return str(_macros().som_beloeb(expression, talformat)).strip()


def text(value: str) -> str:
    """A SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def reads(con: duckdb.DuckDBPyConnection, probe: Path) -> bool:
    """Whether the reader gives back two lines written for it at `probe`."""
    probe.write_text("a\nb\n", "utf-8")
    return con.execute(f"select tekst from {_reader(probe)}").fetchall() == [("a",), ("b",)]


def _reader(spool: Path) -> str:
    """SQL: the lines of a spool. One column, no quotes: there is nothing to interpret, so a line is a line."""
    return (f"(select true as laest, coalesce(tekst, '') as tekst from read_csv({text(str(spool))}, columns = {{'tekst': 'varchar'}}, auto_detect = false, "
            "header = false, delim = '\x01', quote = '', escape = '', new_line = '\\n', max_line_size = 4194304))")


def data_lines(ft: FileType, found: Inspected) -> int:
    """Data lines of a file that is counted only."""
    return found.records - ft.head_lines - bool(found.ends_at)


def into_raw(con: duckdb.DuckDBPyConnection, ft: FileType, spool: Path, parts: list[Part], setup: Setup) -> dict[int, Account]:
    """Load one spool into its raw tables, within the caller's transaction. Gives the account per delivery taken. Raises Unbalanced."""
    _lines(con, ft, spool, parts, setup)
    accounts = _accounts(con, ft, parts)
    for table in ft.tables:
        con.execute(_insert(ft, table, parts[0].found))
    reasons = {k: f"{v['hvad']} {v['ret']}" for k, v in catalogue().items() if v["udfald"] == "linje"}
    con.execute("""
        insert into raw.afvist_linje
        select f.leverance_id, f.fil, l.linje, l.kode,
            replace(replace(replace(a.tekst, '{fundet}', coalesce(l.fundet, '')), '{forventet}', coalesce(l.forventet, '')), '{felt}', coalesce(l.felt, ''))
        from _linje as l
        inner join _fil as f on l.nr = f.nr and f.taget
        inner join (select unnest(cast($1 as varchar[])) as kode, unnest(cast($2 as varchar[])) as tekst) as a on l.kode = a.kode
        where not list_contains(cast($3 as bigint[]), f.leverance_id)
        order by f.leverance_id, l.linje
    """, [list(reasons), list(reasons.values()), [ident for ident, a in accounts.items() if a.set_aside > MOST_ASIDE]])     # it is refused
    _balance(con, ft, parts, accounts)
    con.execute("drop table _linje")
    return accounts


# ------------------------------------------------------------------ lines


def _lines(con: duckdb.DuckDBPyConnection, ft: FileType, spool: Path, parts: list[Part], setup: Setup) -> None:
    """`_fil`: the files of the spool in order. `_linje`: every line of the files taken, with what it is and what is wrong with it."""
    kinds = {"nr": "integer", "leverance_id": "bigint", "fil": "varchar", "kommunekode": "varchar", "periode": "date", "poster": "bigint",
             "slut": "bigint", "taget": "boolean", "lukket": "varchar[]"}
    rows = [(i, p.ident, p.fil, p.kommunekode, p.periode, p.found.records, p.found.ends_at, p.taken, list(p.closed)) for i, p in enumerate(parts)]
    values = ", ".join(f"unnest(cast(${i} as {kind}[])) as {name}" for i, (name, kind) in enumerate(kinds.items(), start=1))
    con.execute(f"create or replace temp table _fil as select {values}", [list(column) for column in zip(*rows, strict=True)])

    found = parts[0].found
    # The number of lines is known beforehand and each is put beside its file and number by position; `laest` is null where the reader gave fewer
    # lines than there are, `nr` where it gave more.
    numbered = f"""
        select k.*, r.* from (
            select nr, slut, taget, kommunekode, unnest(range(1, poster + 1)) as linje from (select * from _fil order by nr)
        ) as k positional join {_reader(spool)} as r
    """
    # `indhold` is the line's text; where it has fields, the list of them: they are cut once, counted here and taken one by one in `_values`.
    if found.fields:
        split = f"""
            select nr, slut, taget, kommunekode, laest, cast(f[1] as bigint) as linje, cast(f[2] as integer) as spaend, f[3:] as indhold
            from (select nr, slut, taget, kommunekode, laest, string_split(tekst, chr(31)) as f from ({numbered}))
        """
    else:
        content = f"string_split(tekst, {text(_separator(ft, found))})" if ft.kind == "delimited" else "tekst"
        split = f"select nr, slut, taget, kommunekode, laest, linje, 1 as spaend, {content} as indhold from ({numbered})"
    fault, got, expected = _faults(ft, found)
    another = _another(ft, setup)
    con.execute(f"""
        create or replace temp table _linje as
        select nr, linje, spaend, laest, indhold, art, navngivet, {another} as anden, {"indhold[2]" if found.fields else "cast(null as varchar)"} as felt,
            case when fejl is null and {another} and {not _keeps(ft)} then '{ANOTHER}' else fejl end as kode,
            case when fejl is not null then cast({got} as varchar) else navngivet end as fundet,
            case when fejl is not null then cast({expected} as varchar) else kommunekode end as forventet
        from (
            select *, case when art = 'post' and fejl is null then {_named(ft, found, setup)} end as navngivet
            from (
                select *, case when art = 'post' then {fault} end as fejl
                from (select *, {_kind(ft, found)} as art from ({split}))
            )
        )
        where taget or laest is null or nr is null
    """)


def _named(ft: FileType, found: Inspected, setup: Setup) -> str:
    """SQL: the municipality a good line says it is of; '' where it names none that exists, null where the contract knows no such column."""
    cases = []
    for table in ft.tables:
        if table.raekkens_kommune:
            value = f"trim(coalesce({_values(ft, table, found)[0][table.raekkens_kommune.column]}, ''))"
            if table.raekkens_kommune.form == "kode":
                # lpad cuts what is longer, so a longer number is none
                code = f"case when length({value}) between 3 and 4 then lpad({value}, 4, '0') end"
                known = f"case when {code} in ({', '.join(map(text, sorted(setup.municipalities)))}) then {code} else '' end"
            else:
                names = sorted(setup.by_name.items())
                known = f"coalesce(map([{', '.join(text(n) for n, _ in names)}], [{', '.join(text(c) for _, c in names)}])[lower({value})], '')"
            cases.append(f"when {_is_of(ft, table, found)} then {known}")
    return f"case {' '.join(cases)} end" if cases else "cast(null as varchar)"


def _keeps(ft: FileType) -> bool:
    """Whether a row may name another municipality, so that only a file of them is wrong."""
    return any(t.raekkens_kommune and t.raekkens_kommune.keep for t in ft.tables)


def _another(ft: FileType, setup: Setup) -> str:
    """SQL: the municipality named is another than the file's, and none that it acts for where that makes it its own."""
    pairs = ", ".join(text(f"{one}{other}") for one, other in sorted(setup.acted_for.items()))
    acting = any(t.raekkens_kommune and t.raekkens_kommune.acting for t in ft.tables)
    own = f" and navngivet || kommunekode not in ({pairs})" if acting and pairs else ""
    return f"(navngivet <> '' and navngivet <> kommunekode{own})"


def _separator(ft: FileType, found: Inspected) -> str:
    return "\x1f" if found.fields else ft.format.get("adskiller", "")


def _kind(ft: FileType, found: Inspected) -> str:
    """SQL: 'teknisk' (header, start and end record) or 'post' (everything else)."""
    tests = ["laest is null or nr is null"]
    if ft.head_lines:
        tests.append(f"linje <= {ft.head_lines}")
    if ft.format.get("slutrecord"):
        tests.append("coalesce(linje = slut, false)")
    if ft.format.get("gentaget_header") and ft.kind == "delimited":
        headers = {c.name: c.header for c in ft.tables[0].columns}
        sep = _separator(ft, found)
        line = sep.join(headers.get(n, n) for n in found.layout).lower() + (sep if ft.format.get("afsluttende_adskiller") else "")
        tests.append(f"lower(indhold[1]) = {text(headers.get(found.layout[0], found.layout[0]).lower())} and lower(array_to_string(indhold, {text(sep)})) = {text(line)}")
    return f"case when {' or '.join(tests)} then 'teknisk' else 'post' end"


def _faults(ft: FileType, found: Inspected) -> tuple[str, str, str]:
    """SQL for a line's reason to be set aside (null = good), what was found and what was expected (numbers only)."""
    blank = "when trim(indhold) = '' then 'tom_linje'"
    if ft.kind == "fixed":
        ends = {t.recordtype: max((c.pos or 0) + (c.length or 0) - 1 for c in t.columns) for t in ft.tables}
        if where := ft.format.get("recordtype"):
            kind = f"substr(indhold, {where['pos']}, {where['len']})"
            need = f"case {kind} " + " ".join(f"when {text(str(k))} then {n}" for k, n in ends.items()) + " end"
            unknown = f"when {need} is null then 'ukendt_recordtype'"
        else:
            need, unknown = str(next(iter(ends.values()))), ""
        return (f"case {blank} {unknown} when length(indhold) < {need} then 'linje_for_kort' when length(rtrim(indhold)) > {need} then 'linje_for_lang' end",
                "length(indhold)", need)
    trailing = bool(ft.format.get("afsluttende_adskiller")) and ft.kind == "delimited"
    if ft.kind == "delimited" and ft.format.get("recordtype"):
        counts = " ".join(f"when {_is_of(ft, t, found)} then {len(t.columns) + 1 + trailing}" for t in ft.tables)
        need, unknown = f"(case {counts} end)", f"when (case {counts} end) is null then 'ukendt_recordtype'"
    else:
        need, unknown = str(len(found.layout) + trailing), ""
    marked = "when starts_with(indhold[1], chr(29)) then substr(indhold[1], 2)" if found.fields else ""
    # One column: an empty line is an empty value.
    blank = "" if len(found.layout) == 1 else "when len(indhold) = 1 and trim(indhold[1]) = '' then 'tom_linje'"
    end = "when indhold[-1] <> '' then 'felter_for_mange'" if trailing else ""
    return (f"case {marked} {blank} {unknown} when len(indhold) < {need} then 'felter_for_faa' when len(indhold) > {need} then 'felter_for_mange' {end} end",
            f"len(indhold) - {int(trailing)}", f"{need} - {int(trailing)}")


# ------------------------------------------------------------------ rows


def _values(ft: FileType, table: Table, found: Inspected) -> tuple[dict[str, str], str]:
    """SQL for each raw column of a table, and for its local fields."""
    if ft.kind == "fixed":
        return {c.name: f"substr(indhold, {c.pos}, {c.length})" for c in table.columns}, "null"
    if where := ft.kind == "delimited" and ft.format.get("recordtype"):
        # the columns are the other fields than the one that says what kind of line it is
        at = [i for i in range(1, len(table.columns) + 2) if i != where["felt"]]
        return {c.name: f"replace(indhold[{i}], chr(30), chr(10))" if found.fields else f"indhold[{i}]" for c, i in zip(table.columns, at, strict=True)}, "null"
    known = {c.name for c in table.columns}
    others = {POST, NOT_TAKEN, *(c.name for t in ft.tables for c in t.columns)}      # of the file's other tables, or known and not taken: no local fields

    def field_at(i: int) -> str:
        if ft.kind == "jsonl":
            return f"replace(nullif(indhold[{i}], chr(30) || chr(29)), chr(30), chr(10))"
        return f"replace(indhold[{i}], chr(30), chr(10))" if found.fields else f"indhold[{i}]"

    local = ", ".join(f"{text(n)}, {field_at(i)}" for i, n in enumerate(found.layout, start=1) if n not in others)
    return ({n: field_at(i) for i, n in enumerate(found.layout, start=1) if n in known},
            f"cast(json_object({local}) as varchar)" if local else "null")


def _closed(table: Table, values: dict[str, str]) -> str:
    """SQL: the row is of a municipality that has not instructed."""
    if not table.kommunekolonne or table.kommunekolonne not in values:
        return "false"
    return f"list_contains(lukket, lpad(trim({values[table.kommunekolonne]}), 4, '0'))"


def _is_of(ft: FileType, table: Table, found: Inspected) -> str:
    """SQL: the line is of this table, where a file has several."""
    if POST in found.layout:
        return f"indhold[1] = {text(str(table.recordtype).casefold())}"
    if table.recordtype is None or not (at := ft.format.get("recordtype")):
        return "true"
    kind = f"substr(indhold, {at['pos']}, {at['len']})" if ft.kind == "fixed" else f"trim(indhold[{at['felt']}])"
    return f"coalesce({kind} = {text(table.recordtype)}, false)"


def _rows(ft: FileType, table: Table, found: Inspected) -> str:
    """SQL: the good lines of one table with their content."""
    return f"""
        select l.*, f.leverance_id, f.fil, f.kommunekode, f.periode, f.lukket
        from _linje as l inner join _fil as f on l.nr = f.nr
        where f.taget and l.art = 'post' and l.kode is null and {_is_of(ft, table, found)}
    """


def _insert(ft: FileType, table: Table, found: Inspected) -> str:
    values, local = _values(ft, table, found)
    columns = {**values, "_leverance_id": "leverance_id", "_fil": "fil", "_linje": "linje", "_kommunekode": "kommunekode", "_periode": "periode",
               "_lokale_felter": local}
    listed = ", ".join(f"{expression} as {name}" for name, expression in columns.items())
    return f"insert into raw.{table.identifier} by name select {listed} from ({_rows(ft, table, found)}) where not {_closed(table, values)}"


# ------------------------------------------------------------------ the account


def _accounts(con: duckdb.DuckDBPyConnection, ft: FileType, parts: list[Part]) -> dict[int, Account]:
    """What the lines are, per file, and what a sender is told about them."""
    lost = con.execute("select count(*) from _linje where nr is null or linje is null").fetchall()[0][0]
    missing = con.execute("select count(*) from _linje where laest is null").fetchall()[0][0]
    if lost or missing:
        raise Unbalanced(f"the reader gave other lines than the file has ({lost} too many, {missing} missing)")
    accounts = {p.ident: Account() for p in parts if p.taken}
    by_ident = {p.ident: p for p in parts if p.taken}
    seen = con.execute("""
        select f.leverance_id, count(*), sum(spaend), count(*) filter (art = 'teknisk'), count(kode), min(l.linje) filter (kode is not null),
            count(*) filter (kode = 'tom_linje'), count(*) filter (anden), mode(navngivet) filter (anden), min(l.linje) filter (anden),
            count(navngivet), count(*) filter (navngivet = ''), min(l.linje) filter (navngivet = ''),
            arg_min({'kode': l.kode, 'fundet': l.fundet, 'forventet': l.forventet, 'felt': l.felt}, l.linje) filter (kode is not null and kode <> 'tom_linje')
        from _linje as l inner join _fil as f on l.nr = f.nr group by 1
    """).fetchall()
    for ident, records, lines, technical, aside, first, blank, foreign, most, first_foreign, good, unnamed, first_unnamed, why in seen:
        part, account = by_ident[ident], accounts[ident]
        if records != part.found.records or (ft.kind != "xml" and lines != part.found.lines):
            raise Unbalanced(f"{part.fil}: {lines} lines read of {part.found.lines}")
        account.technical, account.set_aside = technical, aside
        data = records - technical
        stated = [(r, n) for r, n in (("Startrecorden", part.found.start_count), ("Slutrecorden", part.found.end_count)) if n is not None and n != data - blank]
        if stated:
            account.refusal = Reason.of("forkert_antal", record=stated[0][0], forventet=stated[0][1], fundet=data - blank)
        elif 2 * foreign > good - unnamed:
            account.refusal = Reason.of("forkert_kommune", kommunekode=part.kommunekode, anden=most, antal=foreign, ialt=good - unnamed, linje=first_foreign)
        elif aside and aside == data and aside > blank:
            account.refusal = Reason.of("ingen_brugbare_linjer", antal=aside, linje=first, grund=catalogue()[why["kode"]]["hvad"].format(**why))
        elif aside > MOST_ASIDE:
            account.refusal = Reason.of("for_mange_ubrugelige", antal=aside, graense=MOST_ASIDE)
        if aside:
            account.warnings.append(Reason.of("linjer_sat_til_side", antal=aside, linje=first))
        if foreign and not _keeps(ft):
            account.warnings.append(Reason.of("linjer_fra_anden_kommune", antal=foreign, anden=most, linje=first_foreign))
        if unnamed and not _keeps(ft):
            account.warnings.append(Reason.of("kommune_ukendt", antal=unnamed, linje=first_unnamed))
    for ident, account in accounts.items():
        if by_ident[ident].found.records == account.technical:
            account.warnings.append(Reason.of("ingen_raekker"))
    return accounts


def _balance(con: duckdb.DuckDBPyConnection, ft: FileType, parts: list[Part], accounts: dict[int, Account]) -> None:
    """Count what came into raw and hold it against the lines; then the control totals."""
    lowest = min(accounts)
    stated_sums = {record: _stated_totals(con, ft, parts, record) for record in ("start_sum", "end_sum")}
    unread: dict[int, tuple[int, int]] = {}         # amounts that cannot be read, and the line of the first
    for table in ft.tables:
        values, _ = _values(ft, table, parts[0].found)
        closed = _closed(table, values)
        if closed != "false":
            for ident, count in con.execute(f"select leverance_id, count(*) from ({_rows(ft, table, parts[0].found)}) where {closed} group by 1").fetchall():
                accounts[ident].without += count
        total, bad, whole, given = "null", "false", "0", "0"
        if table.kontroltal:
            amount, column = total_sql(table.kontroltal), table.kontroltal.column
            whole, bad, given = f"coalesce(sum(abs({amount})), 0)", f"{amount} is null and trim({column}) <> ''", f"count(*) filter (trim({column}) <> '')"
            total = f"sum({amount})" if table.kontroltal.fortegn == "netto" else f"coalesce(sum({amount}) filter ({amount} > 0), 0)"
        con.execute(f"""
            create or replace temp table _talt as
            select _leverance_id, count(*) as raekker, {total} as kontrolsum, count(*) filter ({bad}) as ulaeselige, {whole} as samlet,
                min(_linje) filter ({bad}) as foerste, {given} as angivne
            from raw.{table.identifier} where _leverance_id >= {lowest} group by 1
        """)
        con.execute(f"""
            insert into raw.leverance_tabel
            select f.leverance_id, {text(table.name)}, coalesce(t.raekker, 0), t.kontrolsum
            from _fil as f left join _talt as t on f.leverance_id = t._leverance_id
            where f.taget order by 1
        """)
        for ident, count, amount, unreadable, gross, first, stated in con.execute("select * from _talt where _leverance_id in (select leverance_id from _fil where taget)").fetchall():
            if table.kontroltal and gross > MOST_MONEY:
                accounts[ident].refusal = accounts[ident].refusal or Reason.of("urimelig_sum", kolonne=table.kontroltal.column, graense=danish.number(MOST_MONEY))
            accounts[ident].rows += count
            if table.kontroltal and unreadable:
                so_far, line = unread.get(ident, (0, first))
                unread[ident] = so_far + unreadable, min(line, first)
                facts = {"kolonne": table.kontroltal.column, "talformat": table.kontroltal.talformat, "antal": unreadable, "linje": first}
                if unreadable == stated and unreadable > 1:
                    accounts[ident].refusal = accounts[ident].refusal or Reason.of("ingen_laeselige_beloeb", **facts)
                elif not any(ident in said for said in stated_sums.values()):
                    accounts[ident].warnings.append(Reason.of("beloeb_ulaeselige", **facts))
            if amount is not None:
                accounts[ident].total = (accounts[ident].total or Decimal(0)) + amount
    for part in parts:
        if not part.taken:
            continue
        a = accounts[part.ident]
        if a.rows + a.set_aside + a.without + a.technical != part.found.records:
            raise Unbalanced(f"{part.fil}: {part.found.records} records, but {a.rows} rows, {a.set_aside} set aside, {a.without} without instruction, {a.technical} technical")
        for record, said in stated_sums.items():
            if part.ident in said and not a.refusal:
                _control_total(ft, part, a, record, said[part.ident], unread.get(part.ident))


def total_sql(total: ControlTotal) -> str:
    """SQL for the amount of a row as it is summed: with the sign that its side gives it."""
    amount = amount_sql(total.column, total.talformat)
    if total.side is None:
        return amount
    column, debet, kredit = total.side
    return str(_macros().med_side(amount, column, debet, kredit)).strip()


def _stated_totals(con: duckdb.DuckDBPyConnection, ft: FileType, parts: list[Part], record: str) -> dict[int, Decimal | None]:
    """The sums that start or end records state, read in the same way as the amounts they sum."""
    table = next((t for t in ft.tables if t.kontroltal), None)
    given = [(p.ident, getattr(p.found, record)) for p in parts if p.taken and getattr(p.found, record) is not None]
    if not given or table is None or table.kontroltal is None:
        return {}
    return dict(con.execute(f"""
        select id, {amount_sql('tekst', table.kontroltal.talformat)} from (select unnest(cast($1 as bigint[])) as id, unnest(cast($2 as varchar[])) as tekst)
    """, [[i for i, _ in given], [t for _, t in given]]).fetchall())


def _control_total(ft: FileType, part: Part, account: Account, record: str, stated: Decimal | None, unreadable: tuple[int, int] | None) -> None:
    """The sum in the start or end record against the sum of the rows."""
    column = next(t.kontroltal.column for t in ft.tables if t.kontroltal)
    if stated is None and record == "start_sum":
        start = ft.format["startrecord"]
        account.refusal = Reason.of("mangler_startrecord", type=start.get("type") or start["kendes_paa"])
    elif stated is None:
        account.refusal = Reason.of("ulaeselig_slutrecord", linje=part.found.ends_at)
    elif account.set_aside or account.without or unreadable:
        if not any(r.code == "kontrolsum_ikke_proevet" for r in account.warnings):
            count, first = unreadable or (0, None)
            account.warnings.append(Reason.of("kontrolsum_ikke_proevet", til_side=account.set_aside, udeladt=account.without, ulaeselige=count, foerste=first or "ingen"))
    elif stated != (account.total or 0):
        account.refusal = Reason.of("forkert_kontrolsum", kolonne=column, record={"start_sum": "startrecorden", "end_sum": "slutrecorden"}[record])
