"""Text that Excel opens as a table, and text that tells it where to fetch one.

Contract: ``inspect`` finds DDE formulas in delimited and aligned text (CSV, TSV, PRN, DIF, and the table of an HTML
page), and the query files of Office: web queries (IQY), ODBC queries (DQY), OLE DB and OLAP queries (RQY, OQY) and
Office data connections (ODC). Judged by content: a text without ``|`` and such a beginning costs a few searches.
Numbers below zero, addresses, ordinary formulas and columns divided by ``|`` are nothing. Never raises.
"""

from __future__ import annotations

import re

from gateway.closed_sets import FileType, Kind
from gateway.scan.documents import cell_dde
from gateway.scan.look import Blob, Look

TYPES = frozenset(
    {FileType.TEXT, FileType.HTML, FileType.XML, FileType.BINARY, FileType.EMAIL, FileType.MHT, FileType.SCRIPT}
)

_HEAD = 4096
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_TEXT_BYTES = bytes([9, 10, 12, 13, 26, 27, *range(32, 256)])
_CELL = re.compile(
    rb"<t[dh]\b[^<>]{0,500}>\s{0,50}(?:<[^<>/]{1,200}>\s{0,50}){0,4}[=+\-@]([^<]{1,2000})", re.IGNORECASE
)
_FORMULA = re.compile(rb"x:(?:fmla|formula)\s{0,9}=\s{0,9}(\"[^\"]{1,2000}\"|'[^']{1,2000}')", re.IGNORECASE)

_QUERIES = (
    (re.compile(rb"WEB[ \t]*\r?\n[ \t]*\d{1,3}[ \t]*\r?\n[ \t]*([^\r\n]{4,2000})", re.IGNORECASE), "web query"),
    (re.compile(rb"XLODBC[ \t]*\r?\n[ \t]*\d{1,3}[ \t]*\r?\n([^\r\n]{1,2000})", re.IGNORECASE), "database query"),
    (
        re.compile(rb"QueryType=(?:OLEDB|ODBC|OLAP)[^<]{1,400}?Connection=([^\r\n]{1,2000})", re.IGNORECASE),
        "OLE DB query",
    ),
)
_QUERY_LETTERS = (b"W", b"w", b"X", b"x", b"Q", b"q")
"""One of them begins each of these."""
_BARE_QUERY = re.compile(rb"[ \t\r\n]*((?:https?|ftp|file)://[^\s]{3,2000}|\\\\[^\r\n]{3,2000})", re.IGNORECASE)
_CONNECTION = re.compile(rb"<odc:ConnectionString>([^<]{1,2000})", re.IGNORECASE)


def inspect(blob: Blob, look: Look) -> None:
    """Report what Excel would start or fetch if it opened this text."""
    head = _plain_head(bytes(blob.data[:_HEAD]))
    if head.translate(None, _TEXT_BYTES):
        return
    text = bytes(blob.data)
    source = _dde(text, head)
    if source:
        look.find(Kind.DDE, blob.where, f"A cell asks another program for data by DDE: {source}", reference="CWE-1236")
    _find_query(blob, head, look)


def _plain_head(head: bytes) -> bytes:
    """Without byte order mark and NUL, which is what UTF-16 makes of ASCII and what Excel skips in the rest."""
    for mark in _MARKS:
        head = head.removeprefix(mark)
    return head.replace(b"\0", b"")


def _dde(text: bytes, head: bytes) -> str:
    if not head.lstrip().startswith(b"<"):
        return cell_dde.in_table(text)
    if b"|" not in text:
        return ""
    text = text.replace(b"\0", b"")
    formulas = (match[1] for pattern in (_CELL, _FORMULA) for match in pattern.finditer(text) if b"|" in match[1])
    return next((source for formula in formulas if (source := cell_dde.in_formula(_unescape(formula)))), "")


def _unescape(markup: bytes) -> bytes:
    for written, meant in ((b"&#39;", b"'"), (b"&apos;", b"'"), (b"&quot;", b'"'), (b"&#124;", b"|"), (b"&amp;", b"&")):
        markup = markup.replace(written, meant)
    return markup


def _find_query(blob: Blob, head: bytes, look: Look) -> None:
    start = head.lstrip()
    found = None
    if start[:1] in _QUERY_LETTERS:
        found = next(((what, match[1]) for pattern, what in _QUERIES if (match := pattern.match(start))), None)
    if found is None and b"odc:OfficeDataConnection" in head:
        match = _CONNECTION.search(bytes(blob.data).replace(b"\0", b""))
        found = "Office data connection", match[1] if match else b""
    if found is None and blob.name.casefold().endswith(".iqy") and (match := _BARE_QUERY.match(start)):
        found = "web query", match[1]  # without its first two lines a query is an address like any other
    if found is not None:
        what, source = found[0], found[1].decode("utf-8", "replace").strip()
        sentence = f"is a {what}: Excel fetches {source[:200]} when it is opened, and what comes back may be formulas"
        look.find(Kind.SCRIPT_CARRIER, blob.where, sentence, reference="MITRE ATT&CK T1221", indicators=[source])
