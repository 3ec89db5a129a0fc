"""The workbook with the rows to correct: one per municipality and fagområde, a sheet per rule. Text stays text: nothing from the data becomes a formula or a link."""

from __future__ import annotations

from datetime import date, datetime
from io import BytesIO
from typing import Any

import xlsxwriter

from flis.core import danish
from flis.report.pages import texts

LONGEST = 60            # no column is wider than this many characters
LINE = 15.5             # points


def workbook(municipality: str, area: dict[str, Any], rows: dict[str, list[tuple]], measured: datetime, limit: int) -> bytes:
    """The workbook's bytes. `area` is the report's (report.py); `rows` has per regel_id the rows as tekster.yml names the columns (month and dates as dates).

    The same arguments give the same bytes: what time a workbook bears is that of the run.
    """
    out = BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}) as book:
        title = f"{area['titel']}: rækker til rettelse"
        book.set_properties({"title": title, "subject": municipality, "author": "FLIS", "created": measured.replace(tzinfo=None)})
        book.set_size(2400, 1500)
        formats = _Formats(book)
        _read_me(book, formats, title, municipality, area, measured, limit)
        _overview(book, formats, area, rows)
        for rule in area["regler"]:
            if rows.get(rule["regel_id"]):
                _sheet(book, formats, rule, rows[rule["regel_id"]], limit)
    return out.getvalue()


class _Formats:
    """The few formats a workbook uses."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        top = {"valign": "top"}
        self.title = book.add_format({"bold": True, "font_size": 15})
        self.head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, **top})
        self.name = book.add_format({"bold": True, **top})
        self.wrap = book.add_format({"text_wrap": True, **top})
        self.text = book.add_format({"num_format": "@", **top})
        self.after = book.add_format({"num_format": "@", "align": "left", "indent": 1, **top})      # text beside a number
        self.number = book.add_format({"num_format": "#,##0", **top})
        self.plain = book.add_format({"num_format": "0", **top})            # a line or a delivery is a name, not an amount
        self.share = book.add_format({"num_format": "0.00%", **top})
        self.month = book.add_format({"num_format": "[$-406]mmmm yyyy", "align": "left", **top})
        self.day = book.add_format({"num_format": "dd-mm-yyyy", "align": "left", "indent": 1, **top})
        self.link = book.add_format({"font_color": "#0b4f8a", "underline": 1, **top})


def _read_me(book: xlsxwriter.Workbook, formats: _Formats, title: str, municipality: str, area: dict, measured: datetime, limit: int) -> None:
    sheet = book.add_worksheet("Læs mig")
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, 22)
    sheet.set_column(1, 1, 95)
    sheet.write_string(0, 0, title, formats.title)
    facts = {"kommune": municipality, "omraade": area["titel"], "dato": danish.day(measured), "hoejst": danish.number(limit)}
    for number, (name, text) in enumerate(texts()["arbejdsbog"]["laes_mig"], start=2):
        filled = text.format(**facts)
        sheet.write_string(number, 0, name, formats.name)
        sheet.write_string(number, 1, filled, formats.wrap)
        sheet.set_row(number, LINE * -(-len(filled) // 92) + 5)
    _paper(sheet)


def _overview(book: xlsxwriter.Workbook, formats: _Formats, area: dict, rows: dict[str, list[tuple]]) -> None:
    sheet = book.add_worksheet("Oversigt")
    names = texts()["arbejdsbog"]["oversigt"]
    table = [[r["regel_id"], r["titel"], r["alvor"], texts()["status"][r["status"]], r["rolle"], r["raekker"], r["afvigelser"], r["andel"] and round(r["andel"], 5),
              danish.threshold(r["taerskel_art"], r["taerskel"]), r["nye"], r["loeste"], r["accepteret"], danish.months(r["maaneder"]), len(rows.get(r["regel_id"], []))]
             for r in area["regler"]]
    kinds = [*[formats.text] * 5, *[formats.number] * 2, formats.share, formats.after, *[formats.number] * 3, formats.after, formats.number]
    _table(sheet, formats, 0, names, kinds, table)
    for number, rule in enumerate(area["regler"], start=1):
        if rows.get(rule["regel_id"]):
            sheet.write_url(number, 0, f"internal:'{rule['regel_id']}'!A1", formats.link, rule["regel_id"])
    _paper(sheet, repeat=0)


def _sheet(book: xlsxwriter.Workbook, formats: _Formats, rule: dict, rows: list[tuple], limit: int) -> None:
    sheet = book.add_worksheet(rule["regel_id"])
    names = texts()["arbejdsbog"]["kolonner"]
    sheet.write_string(0, 0, f"{rule['regel_id']} {rule['titel']}", formats.title)
    lines = [("Hvad", rule["hvad"]), ("Betydning", rule["hvornaar"]), ("Sådan rettes", rule["hvordan"]), ("Hvem", rule["rolle"])]
    if rule["afvigelser"] > len(rows):
        lines.append(("Bemærk", texts()["arbejdsbog"]["beskaaret"].format(alle=danish.number(rule["afvigelser"]), her=danish.number(len(rows)), hoejst=danish.number(limit))))
    head = len(lines) + 2
    kinds = [formats.month, formats.text, formats.text, formats.text, formats.plain, formats.day, formats.plain, formats.after, formats.day]
    widths = _table(sheet, formats, head, names, kinds, rows)
    for number, (name, text) in enumerate(lines, start=1):
        sheet.write_string(number, 0, name, formats.name)
        sheet.merge_range(number, 1, number, len(names) - 1, "", formats.wrap)
        sheet.write_string(number, 1, text, formats.wrap)
        sheet.set_row(number, LINE * -(-len(text) // int(sum(widths[1:]) * 0.95)))
    _paper(sheet, repeat=head)


def _table(sheet, formats: _Formats, head: int, names: list[str], kinds: list, rows: list) -> list[int]:
    """Headings, filter, frozen headings, columns as wide as what stands in them, and each value as what it is. Returns the widths in characters."""
    sheet.add_table(head, 0, head + len(rows), len(names) - 1, {"columns": [{"header": n, "header_format": formats.head} for n in names], "style": "Table Style Light 1"})
    widths = [max(len(word) for word in n.split()) + 4 for n in names]
    widths[0] = max(widths[0], 14)
    for number, row in enumerate(rows, start=head + 1):
        for column, value in enumerate(row):
            if value is None:
                continue
            if isinstance(value, str):
                sheet.write_string(number, column, value, kinds[column])
                widths[column] = max(widths[column], len(value) + 2)
            elif isinstance(value, date):
                sheet.write_datetime(number, column, value, kinds[column])
                widths[column] = max(widths[column], 16)
            else:
                sheet.write_number(number, column, value, kinds[column])
    widths = [min(width, LONGEST) for width in widths]
    for column, width in enumerate(widths):
        sheet.set_column(column, column, width)
    sheet.set_row(head, LINE * max(-(-len(n) // (w - 3)) for n, w in zip(names, widths, strict=True)))
    sheet.freeze_panes(head + 1, 0)
    return widths


def _paper(sheet, repeat: int | None = None) -> None:
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.set_footer("&L&A&RSide &P af &N")
    if repeat is not None:
        sheet.repeat_rows(repeat)
