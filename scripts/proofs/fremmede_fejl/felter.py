"""Values as the systems write them: one form per way of writing, each read and written back."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, ClassVar

EXCEL = date(1899, 12, 30)
OPEN = (1900, 2099, 9999)           # years that say "always" or "still", never a date to move


def number(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def rounded(value: Decimal, decimals: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


def danish(value: Decimal, decimals: int, thousands: bool) -> str:
    text = f"{rounded(value, decimals):,.{decimals}f}" if thousands else f"{rounded(value, decimals):.{decimals}f}"
    return text.translate(str.maketrans(",.", ".,"))


def from_danish(text: str) -> Decimal | None:
    return number(text.replace(".", "").replace(",", ".")) if text.strip() else None


@dataclass(frozen=True)
class Form:
    """One way of writing: `read` gives None for what is blank, open or unreadable; such a value is left as it is."""

    read: Callable[[str], Any]
    write: Callable[[Any], str]


def _trailing(text: str) -> Decimal | None:
    value = from_danish(text.rstrip("-"))
    return -value if value is not None and text.endswith("-") else value


def _trailing_write(value: Decimal) -> str:
    return danish(abs(value), 2, True) + ("-" if rounded(value, 2) < 0 else "")


def _oere_fixed(text: str) -> Decimal | None:
    value = number(text[:-1])
    return None if value is None else (-value if text.endswith("-") else value) / 100


def _oere_fixed_write(value: Decimal) -> str:
    return f"{int(rounded(abs(value) * 100, 0)):014d}" + ("-" if value < 0 else "+")


def _date(pattern: str) -> Form:
    def read(text: str) -> datetime | None:
        try:
            at = datetime.strptime(text.strip(), pattern)
        except ValueError:
            return None
        return None if at.year in OPEN else at
    def write(at: datetime) -> str:
        midnight_in_denmark = pattern.endswith("Z") and at.hour == 0
        return (at - timedelta(hours=2) if midnight_in_denmark else at).strftime(pattern)
    return Form(read, write)


def _truth(yes: str, no: str) -> Form:
    return Form(lambda text: text == yes, lambda value: yes if value else no)


def _points(decimals: int) -> Form:
    return Form(lambda text: number(text) if text else None, lambda value: f"{rounded(value, decimals):.{decimals}f}")


def _commas(decimals: int, thousands: bool = False) -> Form:
    return Form(from_danish, lambda value: danish(value, decimals, thousands))


def _clock(text: str) -> Decimal | None:
    hours, _, minutes = text.partition(":")
    return Decimal(hours) + Decimal(minutes) / 60 if minutes else None


def _clock_write(value: Decimal) -> str:
    minutes = int(rounded(value * 60, 0))
    return f"{minutes // 60}:{minutes % 60:02d}"


def _municipality(names: dict[str, str]) -> dict[str, Form]:
    codes = {name: code for code, name in names.items()}

    def by_name(text: str) -> str | None:
        try:
            return codes.get(text) or codes.get(text.encode("windows-1252").decode("utf-8"))
        except UnicodeError:
            return None
    return {"kommune4": Form(lambda t: t or None, str), "kommune3": Form(lambda t: f"0{t}" if t else None, lambda c: c[1:]), "kommunenavn": Form(by_name, lambda c: names[c])}


def _paragraph(before: str, between: str) -> Form:
    """A paragraph of the social services act as `85`, `82b`: SEL § 82 b, SEL-82-B and SEL82B are the same."""
    def read(text: str) -> str | None:
        return re.sub(r"[^0-9A-Z]", "", text.upper().removeprefix("SEL")).lower() or None

    def write(value: str) -> str:
        digits, letter = re.match(r"(\d+)(\w*)", value).groups()       # type: ignore[union-attr]
        return before + digits + (between + (letter if between == " " else letter.upper()) if letter else "")
    return Form(read, write)


def _grade_of(text: str) -> int | None:
    digits = re.match(r"\d+", text)
    return int(digits[0]) if digits else None


PLAIN = {
    "tekst": Form(str, str),
    "cpr": Form(str, str),
    "cpr_streg": Form(lambda t: t.replace("-", ""), lambda c: f"{c[:6]}-{c[6:]}"),
    "cpr_uden_nul": Form(lambda t: t.zfill(10), lambda c: c.lstrip("0")),
    "bagminus": Form(_trailing, _trailing_write),
    "punktum": _points(2), "punktum2": _points(2), "punktum4": _points(4),
    "komma": _commas(2, True), "komma2": _commas(2), "komma_blank": _commas(2), "komma3": _commas(3, True),
    "heltal": Form(lambda t: number(t) if t.strip() else None, lambda v: str(int(rounded(v, 0)))),
    "oere": Form(lambda t: None if number(t) is None else Decimal(t) / 100, lambda v: str(int(rounded(v * 100, 0)))),
    "oere_fast": Form(_oere_fixed, _oere_fixed_write),
    "excel": Form(lambda t: datetime.combine(EXCEL + timedelta(days=int(t)), datetime.min.time()) if t.isdigit() else None, lambda at: str((at.date() - EXCEL).days)),
    "aarmaaned": Form(lambda t: str(int(t[4:])), str),      # written by Felter, which knows the year
    "ur": Form(_clock, _clock_write),
    "trin_to": Form(_grade_of, lambda n: f"{n:02d}"),
    "trin_bh": Form(lambda t: 0 if t == "BH" else _grade_of(t), lambda n: "BH" if n == 0 else str(n)),
    "paragraf_sensum": _paragraph("SEL § ", " "), "paragraf_nexus": _paragraph("SEL-", "-"), "paragraf_bosted": _paragraph("SEL", ""),
}


class Account:
    """The account's links in one row, whatever columns they stand in: funktion (five digits), dranst, gruppering, art (two digits)."""

    PLACES: ClassVar = {                  # link: (column, from, length); a column that says the same again comes after, and is written too
        "opus": {"funktion": [("zifunkt", 1, 5), ("zigrupp", 1, 5), ("zihkto", 0, 1)], "dranst": [("zidranst", 0, 1), ("zigrupp", 7, 1)], "gruppering": [("zigrupp", 9, 3)], "art": [("ziart_im", 0, 2)]},
        "opus_loen": {"funktion": [("funktion", 1, 5)], "dranst": [("dranst", 0, 1)], "gruppering": [("gruppering", 0, 3)], "art": [("art", 0, 2)]},
        "prisme": {"funktion": [("dimension", 6, 5)], "dranst": [("dimension", 11, 1)], "gruppering": [("dimension", 12, 3)], "art": [("art", 0, 3)]},
        "koer": {"funktion": [("funkniv3", 0, 5), ("funkniv2", 0, 3), ("funkniv1", 0, 1)], "dranst": [("dranst", 0, 1)], "gruppering": [("grupniv1", 0, 3)], "art": [("artniv2", 0, 2), ("artniv1", 0, 1)]},
        "oes": {"funktion": [("ktonr", 0, 5)], "dranst": [("ktonr", 5, 1)], "gruppering": [("ktonr", 7, 3)], "art": [("ktonr", 10, 2)]},
        "koebenhavn": {"funktion": [("konto", 0, 5)], "dranst": [("konto", 5, 1)], "gruppering": [("konto", 7, 3)], "art": [("konto", 10, 2)]},
        "sd": {"funktion": [("account_string", 0, 7)], "dranst": [("account_string", 8, 1)], "gruppering": [("account_string", 12, 3)], "art": [("account_string", 16, 3)]},
    }

    @classmethod
    def read(cls, way: str, row: dict[str, str], link: str) -> str:
        column, at, length = cls.PLACES[way][link][0]
        return row[column][at:at + length].replace(".", "")

    @classmethod
    def write(cls, way: str, row: dict[str, str], link: str, value: str) -> None:
        for column, at, length in cls.PLACES[way][link]:
            text = value
            if way == "sd" and link == "funktion":
                text = f"{value[0]}.{value[1:3]}.{value[3:]}"
            elif link == "art" and length == 3:
                text = f"{value[0]}.{value[1]}"
            row[column] = row[column][:at] + text[:length] + row[column][at + length:]


class Fields:
    """Reads and writes the fields of one table's rows by what they mean (systemer.yml)."""

    def __init__(self, about: dict[str, Any], names: dict[str, str]) -> None:
        self.about = about
        self.columns = {role: column for role, (column, _) in about["felter"].items()}
        forms = {**PLAIN, **_municipality(names), "trin_navn": PLAIN["tekst"]}
        self.forms = {role: self._form(spec, forms) for role, (_, spec) in about["felter"].items()}
        self.codes: dict[str, str] = about.get("koder", {})

    @staticmethod
    def _form(spec: str, forms: dict[str, Form]) -> Form:
        word, _, rest = spec.partition(" ")
        if word == "dato":
            return _date(rest)
        if word == "ja":
            return _truth(*rest.split())
        if word == "tegn":          # one character inside a longer field is changed by Account and by `put` below
            at = int(rest)
            return Form(lambda t: t[at], str)
        return forms[word]

    def has(self, role: str) -> bool:
        return role in self.columns or (role in ("funktion", "dranst", "gruppering", "art") and "konto" in self.about)

    def get(self, row: dict[str, str], role: str) -> Any:
        if role not in self.columns:
            return Account.read(self.about["konto"], row, role)
        text = row[self.columns[role]]
        if self.about["felter"][role][1] == "trin_navn":
            return _grade_of(text)
        return self.forms[role].read(text)

    def put(self, row: dict[str, str], role: str, value: Any) -> None:
        if role not in self.columns:
            Account.write(self.about["konto"], row, role, value)
            return
        column, spec = self.about["felter"][role]
        if spec == "trin_navn":
            row[column] = re.sub(r"^\d+", str(value), row[column])
        elif spec == "aarmaaned":
            row[column] = f"{row['rgnaar']}{int(value):02d}"
        elif spec.startswith("tegn"):
            at = int(spec.split()[1])
            row[column] = row[column][:at] + value + row[column][at + 1:]
        else:
            row[column] = self.forms[role].write(value)
