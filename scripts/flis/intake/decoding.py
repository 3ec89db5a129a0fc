"""From bytes to text: strict decoding, line ends, and what another charset than the agreed one looks like.

A file in another charset is refused as that, before anything else of it is blamed: what the bytes are wrong for, the columns are right for.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from typing import Any

from flis.contracts.contract import CHARSETS, FileType
from flis.core.reasons import Reason
from flis.intake.inspection import Limits, Refused

C1 = bytes(range(0x80, 0xA0))
_CONTROL = (b"\x01", b"\x1d", b"\x1e", b"\x1f")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# What Danish systems write by mistake, in the order it is tried, and what it is called where a sender is told.
_OTHERS = {"utf-8": "UTF-8", "cp1252": "Windows-1252", "cp850": "DOS-tegnsættet 850", "mac_roman": "Macintosh Roman"}


def wrong_charset(line: int, agreed: str, found: str = "") -> Refused:
    """The refusal of a file that is not in the agreed charset; `found` is the one it seems to be in."""
    return Refused("tegnsaet", linje=line, tegnsaet=agreed, fundet=f"; den er formentlig skrevet i {found}" if found else "")


def refuse_utf16(start: bytes, agreed: str) -> None:
    """Raise Refused where a file's first bytes are UTF-16: it says so itself, or every other byte is NUL. Else the NUL would be blamed."""
    sample = start[:2000]
    halves = (sample[::2], sample[1::2])
    if start.startswith(_UTF16) or len(sample) >= 8 and any(half.count(0) * 10 >= len(half) * 8 for half in halves) and sample.count(0) < len(sample):
        raise wrong_charset(1, agreed, "UTF-16")


def other_charset(start: bytes, number: int, agreed: str, fits: Callable[[str], bool]) -> str:
    """The charset in which the header, line `number` of a file, is what it should be; '' when there is none, and something else is wrong."""
    lines = start.removeprefix(codecs.BOM_UTF8).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n", number)
    line = lines[number - 1] if len(lines) >= number else b""
    for codec, name in _OTHERS.items():
        if codec == CHARSETS[agreed]:
            continue
        try:
            if fits(line.decode(codec)):
                return name
        except UnicodeDecodeError:
            continue
    try:
        return "UTF-8, der er kodet to gange" if fits(line.decode("utf-8").encode("cp1252").decode("utf-8")) else ""
    except UnicodeError:
        return ""


def same_charset(given: str, agreed: str) -> bool:
    try:
        return codecs.lookup(given) == codecs.lookup(agreed)
    except LookupError:
        return False


class Text:
    """Strict decoding to UTF-8 bytes with '\\n' line ends, chunk by chunk, counting what the pass has to know."""

    def __init__(self, filetype: FileType, limits: Limits, warnings: list[Reason]) -> None:
        self.charset = filetype.charset
        self._decoder = codecs.getincrementaldecoder(CHARSETS[self.charset])("strict")
        self._utf8 = CHARSETS[self.charset] == "utf-8"
        self._probe: Any = None if self._utf8 else codecs.getincrementaldecoder("utf-8")("strict")
        self._foreign = 0       # the line where characters first stood that are UTF-8, in a file of another charset
        self._limits, self._warnings = limits, warnings
        self._first = True
        self._cr = False
        self.lines = 0
        self._open = 0
        self.ends = {"\n": 0, "\r\n": 0, "\r": 0}

    def feed(self, data: bytes, final: bool = False) -> bytes:
        if self._first and (data or final):
            self._first = False
            refuse_utf16(data, self.charset)
            if data.startswith(codecs.BOM_UTF8):
                data = data[3:]
                if self.charset != "utf-8-sig":
                    self._warnings.append(Reason.of("uventet_bom"))
        for number, byte in ((0, b"\0"), *((b[0], b) for b in _CONTROL)):
            if byte in data:
                line = self._line_of(data, data.index(byte))
                raise Refused("nul_tegn", linje=line) if number == 0 else Refused("styretegn", linje=line, tegn=number)
        out = self._decode(data, final)
        out = self._line_ends(out, final)
        self._measure(out)
        return out

    def _decode(self, data: bytes, final: bool) -> bytes:
        pending = self._decoder.getstate()[0]
        if data.isascii() and not pending:
            return data
        if self.charset == "iso-8859-1" and len(data.translate(None, C1)) != len(data):
            # 0x80-0x9F are no characters in ISO-8859-1: the file is Windows-1252 or UTF-8. A pure latin-1 decoder would let them pass.
            at = min(data.index(byte) for byte in set(data) & set(C1))
            raise wrong_charset(self._line_of(data, at), self.charset)
        try:
            text = self._decoder.decode(data, final)
        except UnicodeDecodeError as error:
            raise wrong_charset(self._line_of(error.object, error.start), self.charset) from error
        if self._probe is not None:
            try:
                self._probe.decode(data)
                self._foreign = self._foreign or self._line_of(data, next(i for i, byte in enumerate(data) if byte > 0x7F))
            except UnicodeDecodeError:
                self._probe = None
        return data if self._utf8 and not pending and not self._decoder.getstate()[0] else text.encode()

    def _line_ends(self, out: bytes, final: bool) -> bytes:
        if self._cr:
            out, self._cr = b"\r" + out, False
        if b"\r" not in out:
            self.ends["\n"] += out.count(b"\n")
            return out
        if out.endswith(b"\r") and not final:
            out, self._cr = out[:-1], True
        joined = out.replace(b"\r\n", b"\n")
        pairs = len(out) - len(joined)
        self.ends["\r\n"] += pairs
        self.ends["\n"] += joined.count(b"\n") - pairs
        self.ends["\r"] += joined.count(b"\r")
        return joined.replace(b"\r", b"\n")

    def _measure(self, out: bytes) -> None:
        first = out.find(b"\n")
        if self._open + (len(out) if first < 0 else first) > self._limits.line:
            raise Refused("lang_linje", linje=self.lines + 1, graense=self._limits.line)
        self._open = self._open + len(out) if first < 0 else len(out) - out.rfind(b"\n") - 1
        self.lines += out.count(b"\n")

    def _line_of(self, data: bytes, at: int) -> int:
        before = data[:at]
        return self.lines + 1 + before.count(b"\n") + before.count(b"\r") - before.count(b"\r\n")

    def finish(self, quoted: bool, fixed: bool) -> None:
        """What can be said when all has been read. In a file of `fixed` width, UTF-8 where one byte is one character has moved the fields: it is refused."""
        if fixed and self._probe is not None and self._foreign:
            raise wrong_charset(self._foreign, self.charset, "UTF-8")
        used = [k for k, n in self.ends.items() if n]
        if len(used) > 1 and not (quoted and set(used) == {"\n", "\r\n"}):
            self._warnings.append(Reason.of("blandede_linjeskift"))
        if self._probe is not None and self._foreign:
            self._warnings.append(Reason.of("formentlig_utf8", tegnsaet=self.charset))
