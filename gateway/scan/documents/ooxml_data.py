"""Where a workbook since 2007 gets data from: connections, queries that are refreshed on opening, Power Query.

Contract: ``inspect_connections`` reads nothing unless the package has a connections part. A connection is suspicious
only if it is fetched when the workbook is opened and leads out of the machine; every other one that leads there is told
and clean, because reports that a person refreshes are ordinary. What cannot be read is in ``package.unreadable``.
"""

from __future__ import annotations

import binascii
import re

from gateway.closed_sets import Kind, Verdict
from gateway.scan.budget import Budget
from gateway.scan.containers import zip as zip_file
from gateway.scan.documents.opc import Package, elements, is_xml
from gateway.scan.documents.remote import is_remote
from gateway.scan.look import Blob, Corrupt, Look

_ELEMENTS = frozenset({"connection", "webPr", "dbPr", "textPr", "rangePr", "oledbPr", "modelTextPr", "dataFeedPr"})
_SOURCES = ("url", "sourceFile", "connection", "odcFile", "command")
_REFRESHED = frozenset({"queryTable", "pivotCacheDefinition"})
_YES = frozenset({"1", "true", "on"})
_ADDRESS = re.compile(
    r"(?:https?|ftp)://[^\s\"';,<>]{3,500}|\\\\[^\s\"';,<>\\]{1,100}\\[^\"';,<>]{1,300}", re.IGNORECASE
)
_ADDRESS_WIDE = re.compile(rb"h\0t\0t\0p\0(?:s\0)?:\0/\0/\0(?:[!-~]\0){3,200}", re.IGNORECASE)
_MASHUP = re.compile(rb"<(?:\w{1,20}:)?DataMashup[^>]{0,500}>([A-Za-z0-9+/=\s]+)<")
_MASHUP_HEAD = 8


def inspect_connections(package: Package, blob: Blob, look: Look) -> None:
    """Report where the connections of a workbook lead to."""
    addresses, on_open = fetched(package, look.budget)
    if addresses:
        when = "when it is opened" if on_open else "when the reader asks for it"
        look.find(
            Kind.REMOTE_TEMPLATE,
            blob.where,
            f"Fetches data from elsewhere {when}: {addresses[0]}",
            reference="ECMA-376 §18.13",
            indicators=addresses,
            verdict=Verdict.SUSPICIOUS if on_open else Verdict.CLEAN,
        )


def fetched(package: Package, budget: Budget) -> tuple[list[str], bool]:
    """The addresses that connections lead to, and whether any data is fetched when the workbook is opened."""
    parts = [name for name in package.parts if is_connections(package, name)]
    if not parts:
        return [], False
    addresses: dict[str, None] = {}
    on_open = _refreshed_on_open(package)
    mashup = False
    for name in parts:
        for content in package.read(name):
            refreshed, found, queries = _read(package, name, content)
            on_open, mashup = on_open or refreshed, mashup or queries
            addresses.update(dict.fromkeys(found))
    if mashup:
        addresses.update(dict.fromkeys(_power_query(package, budget)))
    return list(addresses), on_open


def is_connections(package: Package, name: str) -> bool:
    """Whether a part lists connections."""
    if "/_rels/" in name:
        return False
    return "connections" in name.rpartition("/")[2] or ".connections" in package.content_type(name)


def _read(package: Package, name: str, content: bytes) -> tuple[bool, list[str], bool]:
    """Whether any connection is refreshed on opening, the addresses, and whether there is Power Query."""
    if not is_xml(content):
        wide = [match[0].decode("utf-16-le") for match in _ADDRESS_WIDE.finditer(content)]
        return False, wide, b"M\0a\0s\0h\0u\0p\0" in content
    try:
        found = elements(content, _ELEMENTS)
    except Corrupt as error:
        package.unreadable.setdefault(name, str(error))
        return False, [], False
    texts = [e.attributes[key] for e in found for key in _SOURCES if key in e.attributes]
    addresses = [text for text in texts if is_remote(text)]
    addresses += [match[0] for text in texts if not is_remote(text) for match in _ADDRESS.finditer(text)]
    refreshed = any(e.attributes.get("refreshOnLoad", "").casefold() in _YES for e in found)
    return refreshed, addresses, any("Microsoft.Mashup" in text for text in texts)


def _refreshed_on_open(package: Package) -> bool:
    """Whether a table or a pivot table that lives on a connection is filled when the workbook is opened."""
    for name in package.parts:
        if "/_rels/" in name or not ("querytable" in name or "pivotcachedefinition" in name):
            continue
        for content in package.read(name):
            if b"refreshOnLoad" not in content.replace(b"\0", b""):
                continue
            try:
                found = elements(content, _REFRESHED | {"cacheSource"})
            except Corrupt as error:
                package.unreadable.setdefault(name, str(error))
                continue
            connected = any(e.name == "queryTable" or e.attributes.get("connectionId") for e in found)
            if connected and any(e.attributes.get("refreshOnLoad", "").casefold() in _YES for e in found):
                return True
    return False


def _power_query(package: Package, budget: Budget) -> list[str]:
    """The addresses in the queries, which lie in a zip file in base64 in a custom XML part (MS-QDEFF 2.2)."""
    found: list[str] = []
    for name in package.parts:
        if not name.startswith("customxml/item") or not name.endswith(".xml"):
            continue
        for content in package.read(name):
            match = _MASHUP.search(content.replace(b"\0", b""))
            if match is None:
                continue
            try:
                raw = binascii.a2b_base64(match[1])
                budget.spend_bytes(len(raw))
                size = int.from_bytes(raw[4:_MASHUP_HEAD], "little")
                for member in zip_file.members(raw[_MASHUP_HEAD : _MASHUP_HEAD + size], budget):
                    if member.name.casefold().endswith(".m"):
                        found += [m[0] for m in _ADDRESS.finditer(member.read().decode("utf-8", "replace"))]
            except (binascii.Error, Corrupt) as error:
                package.unreadable.setdefault(name, f"holds queries that cannot be read ({error})")
    return found
