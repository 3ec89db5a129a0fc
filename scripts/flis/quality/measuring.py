"""The rules measured: each runs once as an expectation of Great Expectations, and its breaking rows are kept and counted per municipality and month.

No row passes through Python: the query that finds the rows puts them in a table, and the rest is SQL on that.
"""

from __future__ import annotations

from collections.abc import Callable

import duckdb

from flis.quality.due_rules import Model, Task
from flis.quality.rules import SEVERITIES, Rule

Progress = Callable[[str, int, int], None]

UNKNOWN = "0998"            # the member of dim_kommune for rows that belong to no municipality
MOST_DEVIATIONS = 1_000     # breaking rows kept per rule, municipality and period; `resultat.afvigelser` counts them all

# What a narrowed run looks at; the variables are null where it is not narrowed.
IN_SCOPE = "(getvariable('kommune') is null or kommunekode = getvariable('kommune'))"
IN_SCOPE_MONTH = "(getvariable('maaned') is null or periode is null or periode = getvariable('maaned'))"
# A row x of a result lies in a slice b of temp.beroert.
IN_SLICE = "(b.kommunekode = '*' or b.kommunekode = {x}.kommunekode) and (b.periode is null or {x}.periode is null or b.periode = {x}.periode)"


def measure(con: duckdb.DuckDBPyConnection, models: dict[str, Model], tasks: list[Task], progress: Progress | None) -> dict[str, str]:
    """Run the rules; breaking rows come to temp.brud, their number to temp.fundet, rows counted to temp.talt, months to temp.maaned. Returns why rules could not run."""
    con.execute("""
        create temp table brud (regel_id varchar, kommunekode varchar, periode date, noegle varchar, leverance_id bigint, fil varchar, linje bigint, afvigelser bigint);
        create temp table talt (regel_id varchar, kommunekode varchar, periode date, raekker bigint);
        create temp table maaned (grundlag varchar, periode date);
    """)
    faults: dict[str, str] = {}
    if tasks:
        from flis.quality.gx_duckdb import checker  # seconds to import: only a run that has something to check pays

        with checker(con, "flis") as check:
            running = _Running(con, models, check)
            for number, task in enumerate(tasks, start=1):
                if progress:
                    progress(task.rule.regel_id, number, len(tasks))
                if error := running.run(task):
                    faults[task.rule.regel_id] = error
        _count_rows(con, models, tasks)
    con.execute("create temp table fundet as select distinct regel_id, kommunekode, periode, afvigelser from temp.brud")
    con.execute("drop table kvalitet.skive")
    return faults


class EmptyCodeList(Exception):
    """Nothing is in a set of nothing, and nothing is outside it either: a rule that has no values to hold rows against has not been run."""


class _Running:
    """The rules of one run through Great Expectations, one at a time."""

    def __init__(self, con: duckdb.DuckDBPyConnection, models: dict[str, Model], check) -> None:
        self.con, self.models, self.check = con, models, check

    def run(self, task: Task) -> str | None:
        """Run one rule, and collect its breaking rows. Returns why it could not run."""
        rule = task.rule
        missing = [name for name in dict.fromkeys((rule.model, rule.grundlag)) if name not in self.models]
        if missing:
            return f"Modellen {' og '.join(missing)} er ikke bygget."
        conditions = [f"({rule.omfang})"] if rule.omfang is not None and rule.model == rule.grundlag else []
        conditions += [task.condition] if task.group is not None else []
        try:
            schema, table, asked = self._query(rule, conditions) if rule.sql is not None else self._expectation(rule, conditions)
        except (duckdb.Error, EmptyCodeList) as fault:
            return _reason(fault)
        answer = self.check.take(schema, table, {**asked, "severity": SEVERITIES[rule.alvor]})
        return answer.error or _collect(self.con, self.models[rule.grundlag], rule, answer.unexpected)

    def _query(self, rule: Rule, conditions: list[str]) -> tuple[str, str, dict]:
        """A rule that is a query, as an expectation of no rows. Its `{batch}` is the rows that the rule is about."""
        from flis.quality.gx_duckdb import rows_query

        model = self.models[rule.model]
        return model.schema, model.name, rows_query(rule.sql.replace("{batch}", _narrowed(model, conditions) if conditions else model.sql))

    def _expectation(self, rule: Rule, conditions: list[str]) -> tuple[str, str, dict]:
        """A rule that is an expectation, with the rows of its table that it is tried on."""
        asked, model = rule.expectation, self.models[rule.model]
        kwargs = asked.kwargs(self._listed(asked.code_list, asked.columns) if asked.code_list else asked.values)
        conditions = [*conditions, *([f"({asked.condition})"] if asked.condition else [])]
        return model.schema, model.name, {"type": asked.type, "kwargs": kwargs, "meta": {"rows": " and ".join(conditions)}}

    def _listed(self, code_list: str, columns: tuple[str, ...]) -> tuple:
        """The values of a code list, or pairs of them."""
        names = ", ".join(f"l.{column}" for column in columns)     # a column that is not there would else be the table itself, where both have one name
        rows = self.con.execute(f"select distinct {names} from flis.koder.{code_list} as l where {' and '.join(f'l.{column} is not null' for column in columns)} order by all").fetchall()
        if not rows:
            raise EmptyCodeList(f"Kodelisten {code_list} er tom.")
        return tuple(rows if len(columns) > 1 else (value for (value,) in rows))


def _narrowed(model: Model, conditions: list[str]) -> str:
    return f"(select * from {model.sql} where {' and '.join(conditions)})"


def _collect(con: duckdb.DuckDBPyConnection, counted: Model, rule: Rule, found: int) -> str | None:
    """Put a rule's breaking rows in temp.brud, each with how many there are in its municipality and period. Returns a reason if that cannot be done."""
    from flis.quality.gx_duckdb import TAKEN

    columns = {name for name, *_ in con.execute(f"from {TAKEN} limit 0").description}
    absent = [c for c in ("kommunekode", "kildesystem", "kilde_id") if c not in columns]
    if absent:
        return f"Reglens rækker mangler {', '.join(absent)}."
    if counted.by_period and "periode" not in columns:
        return "Reglens rækker mangler periode."
    if not found:
        return None
    optional = {name: (name if name in columns else "null") for name in ("_leverance_id", "_fil", "_linje")}
    try:
        # Rows of a municipality that has not instructed the area are nobody's to look at: no result, no row. What lies outside the slices was settled before.
        con.execute(f"""
            insert into temp.brud
            with fundne as (
                select distinct
                    coalesce(kommunekode, '{UNKNOWN}') as kommunekode,
                    {"cast(periode as date)" if counted.by_period else "cast(null as date)"} as periode,
                    kildesystem || '|' || coalesce(kilde_id, 'linje ' || {optional['_linje']}) as noegle,
                    cast({optional['_leverance_id']} as bigint) as leverance_id,
                    cast({optional['_fil']} as varchar) as fil,
                    cast({optional['_linje']} as bigint) as linje
                from {TAKEN}
                where {IN_SCOPE} {"and " + IN_SCOPE_MONTH if counted.by_period else ""}
            )
            select $2, *, count(*) over (partition by kommunekode, periode)
            from fundne as f
            where (f.kommunekode = '{UNKNOWN}' or f.kommunekode in (select kommunekode from temp.instrueret where fagomraade = $1))
                and exists (select 1 from temp.beroert as b where b.regel_id = $2 and {IN_SLICE.format(x='f')})
            qualify row_number() over (partition by kommunekode, periode order by noegle, leverance_id, linje) <= {MOST_DEVIATIONS}
        """, [rule.fagomraade, rule.regel_id])
    except duckdb.Error as fault:
        return _reason(fault)
    return None


def _reason(fault: Exception) -> str:
    from flis.quality.gx_duckdb import first_line

    return first_line(str(fault))


def _count_rows(con: duckdb.DuckDBPyConnection, models: dict[str, Model], tasks: list[Task]) -> None:
    """How many rows each rule is about in each municipality and period, and which periods there are at all."""
    same: dict[tuple, list[str]] = {}
    for task in tasks:
        same.setdefault((task.rule.grundlag, task.rule.omfang, task.condition), []).append(task.rule.regel_id)
    months: set[str] = set()
    for (name, condition, slices), ids in same.items():
        model = models.get(name)
        if model is None or "kommunekode" not in model.columns:
            continue
        period = "cast(periode as date)" if model.by_period else "cast(null as date)"
        where = f"({condition})" if condition else "true"
        if model.by_period and name not in months:
            months.add(name)
            con.execute(f"insert into temp.maaned select distinct $1, {period} from {model.sql} where periode is not null", [name])
        try:
            con.execute(f"""
                create or replace temp table optalt as
                select coalesce(kommunekode, '{UNKNOWN}') as kommunekode, {period} as periode, count(*) as raekker
                from {model.sql} where {where} and {slices} group by all
            """)
        except duckdb.Error:
            continue            # the condition is part of the rule's own query too, which has reported it
        con.execute(f"insert into temp.talt select unnest($1), * from temp.optalt where {IN_SCOPE} and {IN_SCOPE_MONTH}", [ids])
