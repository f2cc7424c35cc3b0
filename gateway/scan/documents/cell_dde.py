"""DDE in the text of a cell or of a formula: ``=server|'topic'!item`` starts a program called ``server``.

Contract: pure functions of bytes, linear in their length, never raise. A formula in which the topic is not in quotes
(``cmd|calc!A1``) counts only for servers that are known to start something, because columns are divided by the same
character; a topic in quotes counts for every server. A quote before the bar that was not opened ends a text, as in the
source ``r'|', r'!'``, and no server. NUL is taken out first, because Excel does not see it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.scan.search import holds

_QUOTED = re.compile(rb"\|[ \t]{0,20}'((?:[^']|''){1,1024})'[ \t]{0,20}!(?=[\w'$@(# ])")
_PLAIN = re.compile(rb"\|([^\s'\"|!,;]{1,255})!(?=[\w'$@(#])")
_SERVER = re.compile(rb"(?:'([A-Za-z_][\w.\\: ]{0,254})'|([A-Za-z_][\w.\\:]{0,254}))[ \t]{0,50}$")
_FIELD = re.compile(rb"(?:^|[,;\t|\"'(]| {2})[ \t\"'{(]{0,50}[=+\-@]")
_FUNCTION = re.compile(rb"(?:^|[,;\t|\"' ])=[ \t]{0,20}DDE\([ \t]{0,20}\"([^\"\r\n]{1,255})", re.MULTILINE)
_LINE_BEFORE = 2048
_WORD_BEFORE = 320

_KNOWN = (
    *(b"cmd", b"command", b"powershell", b"pwsh", b"mshta", b"rundll32", b"regsvr32", b"wscript", b"cscript"),
    *(b"certutil", b"bitsadmin", b"explorer", b"msiexec", b"msexcel", b"excel", b"winword", b"iexplore"),
    *(b"schtasks", b"wmic", b"forfiles", b"hh", b"cmstp", b"bash", b"curl", b"control", b"odbcconf"),
)


def starts_program(server: str) -> bool:
    """Whether a server is the name of a program that runs what it is told. Excel reads eight letters of it."""
    plain = server.replace("\\", "/").rpartition("/")[2].casefold().removesuffix(".exe").encode("utf-8", "replace")
    return any(plain == known or (len(known) > 7 and plain.startswith(known[:8])) for known in _KNOWN)


def in_formula(text: bytes) -> str:
    """The first DDE source of one formula as ``server|topic``, or ""."""
    return next(_sources(text.replace(b"\0", b""), anywhere=True), "") if b"|" in text else ""


def in_table(text: bytes) -> str:
    """The first DDE source in a field of a delimited or aligned text (CSV, TSV, PRN, DIF), or ""."""
    text = text.replace(b"\0", b"")
    if b"|" in text and b"!" in text and (found := next(_sources(text, anywhere=False), "")):
        return found
    match = _FUNCTION.search(text) if holds(text, b"DDE(") else None
    return match[1].decode("utf-8", "replace") if match else ""


def _sources(text: bytes, *, anywhere: bool) -> Iterator[str]:
    """``anywhere``: the text is known to be a formula, so that none has to be recognised by how it begins."""
    for pattern in (_QUOTED, _PLAIN):
        for match in pattern.finditer(text):
            server = _SERVER.search(text[max(0, match.start() - _WORD_BEFORE) : match.start()])
            if server is None:
                continue
            name = (server[1] or server[2]).decode("utf-8", "replace")
            if pattern is _PLAIN and not starts_program(name):
                continue
            if anywhere or _begins_as_formula(text, match.start() - len(server[0])):
                yield f"{name}|{match[1].decode('utf-8', 'replace')}"


def _begins_as_formula(text: bytes, end: int) -> bool:
    """Whether a field that begins on the same line, before ``end``, begins with a sign that makes it a formula."""
    start = max(text.rfind(b"\n", 0, end), text.rfind(b"\r", 0, end)) + 1
    return _FIELD.search(text[max(start, end - _LINE_BEFORE) : end]) is not None
