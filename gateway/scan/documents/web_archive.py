"""HTML as Word and Excel save and open it, by itself or as a part of a web archive: what it fetches when it is opened.

Contract: ``inspect`` reports templates, macro projects, objects and frames that lie on another machine. Only pages with
the namespaces of Office are looked at; the macro project of a web archive is found by ``containers.mail`` and
``activemime``, wherever it stands. Costs a search for most pages. Never raises.
"""

from __future__ import annotations

import html
import re

from gateway.closed_sets import FileType, Kind
from gateway.scan.documents.remote import is_dangerous, is_remote
from gateway.scan.look import Blob, Look

TYPES = frozenset({FileType.HTML})

_OFFICE = re.compile(
    rb":(?:office(?<=schemas-microsoft-com:office)|worddocument(?<=w:worddocument)|excelworkbook(?<=x:excelworkbook))",
    re.IGNORECASE,
)
_LINK = re.compile(rb"<link\b[^<>]{0,2000}>", re.IGNORECASE)
_TEMPLATE = re.compile(rb"<w:attachedtemplate\b[^<>]{0,2000}>", re.IGNORECASE)
_FRAME = re.compile(rb"<(?:frame|w:frame|w:sourcefilename)\b[^<>]{0,2000}>", re.IGNORECASE)
_RELATION = re.compile(rb"\brel\s{0,20}=\s{0,20}[\"']?([\w-]{1,40})", re.IGNORECASE)
_ADDRESS = re.compile(
    rb"\b(?:href|src)\s{0,20}=\s{0,20}(?:\"([^\"]{0,2000})|'([^']{0,2000})|([^\s>]{1,2000}))", re.IGNORECASE
)
_FETCHED = frozenset({b"edit-time-data", b"ole-object-data", b"file-list", b"dataset", b"main-file"})
"""Kinds of link that Word follows to put the document together."""
_MAX_TOLD = 20


def inspect(blob: Blob, look: Look) -> None:
    """Look into one page."""
    page = bytes(blob.data)
    if not _OFFICE.search(page):
        return
    told = 0
    for what, tag in _tags(page, page.lower()):
        address = _address(tag)
        if told < _MAX_TOLD and (is_remote(address) if what != "frame" else is_dangerous(address)):
            told += 1
            sentence = f"Fetches a remote {what} when Office opens it: {address}"
            look.find(Kind.REMOTE_TEMPLATE, blob.where, sentence, reference="MITRE ATT&CK T1221")


def _tags(page: bytes, lower: bytes) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    if b"<link" in lower:
        found += [("macro project or file list", tag) for tag in _LINK.findall(page) if _relation(tag) in _FETCHED]
    if b"attachedtemplate" in lower:
        found += [("template", tag) for tag in _TEMPLATE.findall(page)]
    if b"frame" in lower:
        found += [("frame", tag) for tag in _FRAME.findall(page)]
    return found


def _relation(tag: bytes) -> bytes:
    match = _RELATION.search(tag)
    return match[1].lower() if match else b""


def _address(tag: bytes) -> str:
    match = _ADDRESS.search(tag)
    return html.unescape((match[1] or match[2] or match[3] or b"").decode("latin-1")) if match else ""
