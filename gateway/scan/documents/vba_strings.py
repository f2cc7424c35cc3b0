"""What macro code holds that a person would look for: addresses, paths, commands and calls, decoded.

Contract: ``indicators`` reads the sources of a project and gives short texts, addresses first, each once. It explains a
finding and never decides one, so it looks at a bounded length of code and stops at ``MAX_INDICATORS`` of a kind.
Raises only ``OverLimit``, when time is up.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from itertools import islice

from gateway.message import MAX_INDICATORS
from gateway.scan.budget import Budget
from gateway.scan.documents.package import RUNNABLE
from gateway.scan.documents.vba_constants import decoded
from gateway.scan.documents.vba_source import without_attributes, without_comments

MAX_CODE = 96 << 10
"""Characters of code whose strings are worked out; 1 ms a thousand lines that build strings."""

_URL = re.compile(r"\b(?:https?|ftps?|file|ldap)://[^\s\"'<>|{}\x00-\x1f]{3,250}", re.IGNORECASE)
_UNC = re.compile(r"(?<![\\\w])\\\\[\w.-]{1,100}(?:@\w{1,8})?\\[^\s\"'<>|\x00-\x1f]{1,150}")
_PROGRAM = re.compile(
    r"\b(?:powershell|pwsh|cmd|mshta|rundll32|regsvr32|wscript|cscript|certutil|bitsadmin|schtasks|wmic|msiexec|msbuild"
    r"|installutil|regasm|forfiles|curl|osascript|netsh|vssadmin)"
    r"(?:\.exe\b|(?= )|$)[^\x00-\x1f]{0,200}",
    re.IGNORECASE | re.MULTILINE,
)
_RUNNABLE = re.compile(rf"\.(?:{'|'.join(sorted(RUNNABLE))})\b", re.IGNORECASE)
_PATH_BEFORE = re.compile(r"[^\s\"'<>|*?&=,;(]*$")
_CLASS = re.compile(
    r"\b(?:wscript\.shell|shell\.application|(?:msxml2|microsoft)\.\w{0,20}xmlhttp[\w.]{0,8}|winhttp\.winhttprequest[\w.]{0,8}"
    r"|adodb\.stream|scripting\.filesystemobject|schedule\.service|wbemscripting\.swbemlocator|winmgmts:[^\"\s]{0,100}"
    r"|new:\{?[0-9a-f-]{36})",
    re.IGNORECASE,
)
_CALL = re.compile(
    r"\b(?:shell|createobject|getobject|callbyname|shellexecute[aw]?|urldownloadtofile[aw]?|winexec|createprocess[aw]?"
    r"|virtualalloc(?:ex)?|virtualprotect(?:ex)?|createthread|createremotethread|rtlmovememory|writeprocessmemory"
    r"|heapcreate|enumsystemlocales[aw]?|executeexcel4macro|macscript|sendkeys|followhyperlink|savetofile)\b",
    re.IGNORECASE,
)
_STRING = re.compile(r'"[^"\n]*"?')
_HEX = re.compile(r"\b(?:[0-9a-fA-F]{2}){10,16000}\b")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{24,40000}={0,2}")
_URL_BACKWARDS = re.compile(r"//:s?ptth", re.IGNORECASE)


def indicators(sources: Iterable[str], budget: Budget) -> tuple[str, ...]:
    """Up to ``MAX_INDICATORS`` texts: URLs, UNC paths, commands, files that run, classes and calls."""
    code = "\n".join(without_comments(without_attributes(source)) for source in _bounded(sources))
    strings = list(dict.fromkeys(_with_encoded(decoded(code, budget))))
    budget.check_time()
    every = "\n".join(strings)
    addresses = list(_matches(_URL, every))
    found = [
        # an address is often built from the left, so its beginnings are among the strings as well
        *(text for text in addresses if not any(other != text and other.startswith(text) for other in addresses)),
        *_matches(_UNC, every),
        *(text.strip() for text in _matches(_PROGRAM, every)),
        *islice(_runnable_files(every), MAX_INDICATORS),
        *_matches(_CLASS, every),
        *_matches(_CALL, _STRING.sub('""', code)),
    ]
    unique: dict[str, str] = {}
    for text in found:
        unique.setdefault(text.casefold(), text)
    return tuple(unique.values())[:MAX_INDICATORS]


def _bounded(sources: Iterable[str]) -> Iterator[str]:
    left = MAX_CODE
    for source in sources:
        yield source[:left]
        left -= len(source)
        if left <= 0:
            return


def _matches(expression: re.Pattern[str], text: str) -> Iterator[str]:
    return islice((match[0] for match in expression.finditer(text)), MAX_INDICATORS)


def _runnable_files(text: str) -> Iterator[str]:
    for match in _RUNNABLE.finditer(text):
        before = _PATH_BEFORE.search(text[max(0, match.start() - 120) : match.start()])
        path = before[0] if before else ""
        if "://" not in path:  # an address, which is told as one
            yield path + match[0]


def _with_encoded(strings: Iterable[str]) -> Iterator[str]:
    """The strings, and what they say backwards, in hex and in base64."""
    for text in strings:
        yield text
        if _URL_BACKWARDS.search(text):
            yield text[::-1]
        for match in islice(_HEX.finditer(text), MAX_INDICATORS):
            yield from _readable(bytes.fromhex(match[0]))
        for match in islice(_BASE64.finditer(text), MAX_INDICATORS):
            packed = match[0].rstrip("=")
            try:
                yield from _readable(base64.b64decode(packed[: len(packed) - (len(packed) % 4 == 1)] + "=="))
            except binascii.Error:
                continue


def _readable(content: bytes) -> Iterator[str]:
    """The bytes as text, if they are text."""
    wide = content[1::2].count(0) * 2 >= len(content) - 1
    text = content.decode("utf-16-le" if wide else "latin-1", "replace")
    if len(text) >= 8 and sum(c.isascii() and (c.isprintable() or c in "\r\n\t") for c in text) >= len(text) * 0.95:
        yield text
