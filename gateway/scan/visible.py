"""Text of strangers made safe to look at and still true: what prints nothing, or turns the line round, is shown.

Contract: takes any text, gives text whose characters are all printable but line feeds and tabs, in linear time. Never
raises.
"""

from __future__ import annotations

import re
import unicodedata

from gateway.scan.names import TURNS_ROUND

_ODD = re.compile(r"[^\n\t -~]")
_ENDS_LINE = re.compile(r"\r\n|\r|[\x0b\x0c\x85\u2028\u2029]")
_PICTURES = 0x2400
"""Where Unicode has the pictures of control characters."""


def exactly(text: str) -> str:
    """Nothing is left out: control characters as their pictures, bytes that are no UTF-8 (``surrogateescape``) as
    ``\\\\xNN``, others that do not print as ``<U+202E>``. CRLF ends a line like LF."""
    return _ODD.sub(_shown, text.replace("\r\n", "\n"))


def readably(text: str) -> str:
    """For text a person reads: every end of a line is one, marks that show nothing anywhere are left out, but not those
    that turn the line round."""
    return _ODD.sub(_read, _ENDS_LINE.sub("\n", text))


def _read(match: re.Match[str]) -> str:
    character = match[0]
    if unicodedata.category(character) == "Cf" and character not in TURNS_ROUND:
        return ""
    return _shown(match)


def _shown(match: re.Match[str]) -> str:
    character = match[0]
    if character.isprintable():
        return character
    code = ord(character)
    if code < 0x20:
        return chr(_PICTURES + code)
    if code == 0x7F:
        return "\u2421"
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return " " if unicodedata.category(character) == "Zs" else f"<U+{code:04X}>"
