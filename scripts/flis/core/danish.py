"""Numbers, months and counts as a Danish reader expects them: 1.234, 0,5 %, marts 2026, 3 rækker."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

MONTHS = ("januar", "februar", "marts", "april", "maj", "juni", "juli", "august", "september", "oktober", "november", "december")
_ZONE = ZoneInfo("Europe/Copenhagen")


def number(value: int | float | Decimal, decimals: int = 0) -> str:
    """1234567 as 1.234.567; with decimals 12.5 as 12,5."""
    return f"{value:,.{decimals}f}".translate(str.maketrans(",.", ".,"))


def share(value: float | Decimal | None) -> str:
    """A share as per cent: 0.005 as '0,5 %' (with a space that does not break). Small shares keep as many decimals as say something."""
    if value is None:
        return "–"
    percent = float(value) * 100
    decimals = 0 if percent == 0 or percent >= 99.95 else 1 if percent >= 0.95 else 2 if percent >= 0.095 else 3
    text = number(percent, decimals)
    return (text.rstrip("0").rstrip(",") if "," in text else text) + "\u00a0%"


def month(value: date) -> str:
    """date(2026, 3, 1) as 'marts 2026'."""
    return f"{MONTHS[value.month - 1]} {value.year}"


def months(values: Iterable[date | None]) -> str:
    """Months in words, with runs drawn together: 'januar 2026 og marts-maj 2026'. Empty when no month is known."""
    known = sorted({v for v in values if v})
    runs: list[list[date]] = []
    for one in known:
        if runs and one.year * 12 + one.month == runs[-1][1].year * 12 + runs[-1][1].month + 1:
            runs[-1][1] = one
        else:
            runs.append([one, one])
    return together([_run(first, last) for first, last in runs])


def _run(first: date, last: date) -> str:
    if first == last:
        return month(first)
    return f"{MONTHS[first.month - 1]}{f' {first.year}' if first.year != last.year else ''} til {month(last)}"


def together(parts: list[str]) -> str:
    """'a, b og c'."""
    return " og ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def day(value: date | datetime) -> str:
    """A date as '5. marts 2026'; a moment is taken as UTC and shown in Danish time."""
    value = local(value) if isinstance(value, datetime) else value
    return f"{value.day}. {month(value)}"


def moment(value: datetime) -> str:
    """'5. marts 2026 kl. 14:05' in Danish time; a moment without a zone is UTC."""
    return f"{day(value)} kl. {local(value):%H:%M}"


def local(value: datetime) -> datetime:
    """A moment in Danish time."""
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(_ZONE)


def of_run(koersel: str) -> datetime:
    """The moment in a run's stamp (kvalitet.koersel), in UTC."""
    return datetime.fromisoformat(koersel)


def threshold(kind: str, value: Decimal | int) -> str:
    """A rule's threshold in words: '0,5 % af rækkerne', '3 rækker' or 'ingen'."""
    if not value:
        return "ingen"
    if kind == "antal":
        return "1 række" if value == 1 else f"{number(int(value))} rækker"
    return f"{share(value)} af rækkerne"
