"""Character sets that are no extension of ASCII: text in them reads as something else until it is decoded.

Contract: ``respelt`` gives the text of a body in UTF-8 when its declared character set is one of those in which ASCII
letters stand for something else or can be kept apart (UTF-7, UTF-16, UTF-32, EBCDIC, ISO-2022, HZ), and None for any
other, which costs one search in the declaration. Sets that only add letters to ASCII never need it. Never raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_CHARSET = re.compile(
    r"charset\*?[\s\"']{0,9}=[\s\"']{0,9}(?:[\w-]{0,20}'[\w-]{0,20}')?([\w.:$-]{1,40})", re.IGNORECASE
)
_SIGNS = re.compile(r"7|16|32|ucs|unicode|2022|5022|hz|ebcdic|ibm|cp|\d{3}", re.IGNORECASE)
"""What a name has to contain to be looked at; those of most mail do not."""
_SEPARATORS = re.compile(r"[^a-z0-9]")

_UTF7 = re.compile(r"(?:x|cs)?(?:unicode(?:11|20)?)?utf7(?:imap)?")
_WIDE = re.compile(r"(?:cs)?(?:utf(?:16|32)(?:le|be)?|(?:iso10646)?ucs[24](?:le|be)?|unicode(?:fffe)?)")
_STATEFUL = re.compile(r"(?:cs)?iso2022.*|cp5022\d|(?:cs)?hz(?:gb2312)?")
_EBCDIC = re.compile(r"(?:x?ebcdic|(?:cs)?ibm|cp)(?:cp|ibm)?([a-z]{0,20}|\d{2,5})")
_CODECS = {"37": "cp037", "273": "cp273", "424": "cp424", "500": "cp500", "875": "cp875", "1026": "cp1026"}
_CODE_PAGES = frozenset(
    {*_CODECS, "277", "278", "280", "284", "285", "290", "297", "420", "423", "870", "871", "880", "905", "924", "1025"}
    | {"1047", *(str(number) for number in range(1140, 1150))}
)

# ISO 2022 and RFC 1468 designate a set by an escape sequence, RFC 1557 shifts by one control character, RFC 1843 by a
# tilde. One that changes nothing stands between letters to keep them apart.
_SHIFTS = re.compile(rb"\x1b[ -/]{1,3}[0-~]|\x1b[NOno|}~]|[\x0e\x0f]|~[{}]|~\r?\n")
_IDLE = re.compile(rb"\x1b\([BJ][^\x1b\x0e~]{0,1000}\x1b\([BJ]|\x0e\x0f|~\{~\}|~\r?\n")
_SAMPLE = 256


def respelt(content: bytes, types: Iterable[str]) -> tuple[str, bytes] | None:
    """The character set out of the Content-Type fields ``types`` and ``content`` in UTF-8, where that tells more."""
    for text in types:
        for name in _CHARSET.findall(text):
            decoded = _decoded(content, _SEPARATORS.sub("", name.lower())) if _SIGNS.search(name) else b""
            if decoded and decoded != content:
                return name.lower(), decoded
    return None


def _decoded(content: bytes, charset: str) -> bytes:
    if _UTF7.fullmatch(charset):
        return _utf8(content, "utf-7") if b"+" in content else b""
    if _WIDE.fullmatch(charset):
        return _utf8(content, _width(content)) if b"\0" in content else b""
    if _STATEFUL.fullmatch(charset):
        return _SHIFTS.sub(b"", content) if _IDLE.search(content) else b""
    page = _EBCDIC.fullmatch(charset)
    if page is None:
        return b""
    number = page[1].lstrip("0")
    if number.isdigit() and number not in _CODE_PAGES:
        return b""
    return _utf8(content, _CODECS.get(number, "cp037"))


def _utf8(content: bytes, codec: str) -> bytes:
    """The text in UTF-8; the next line of EBCDIC is a line end to every reader of text."""
    text = content.decode(codec, "replace").lstrip("\ufeff").replace("\x85", "\n")
    return text.encode("utf-8", "replace")


def _width(content: bytes) -> str:
    """Which form of UTF-16 or UTF-32 it is, by where the zeros of its first ASCII letters stand: a mark may be missing,
    and programs do not agree about the order then."""
    start = content[: _SAMPLE & ~3]
    zeros = [start[place::4].count(0) for place in range(4)]
    if min(zeros[1:3]) * 8 > len(start):
        return "utf-32-be" if zeros[0] > zeros[3] else "utf-32-le"
    return "utf-16-be" if zeros[0] + zeros[2] > zeros[1] + zeros[3] else "utf-16-le"
