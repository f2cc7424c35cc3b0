"""What in a workbook calls its macros or fetches data by itself: buttons and shapes, and queries on opening.

Contract: ``take_out`` empties the names of macros in drawings and controls once there are no macros, and lets no
connection be refreshed on opening if the scan would object to where it leads. Raises ``CannotDisarm``.
"""

from __future__ import annotations

from gateway.scan.disarm.ooxml_parts import Parts
from gateway.scan.disarm.ooxml_xml import named
from gateway.scan.disarm.parts import CannotDisarm
from gateway.scan.documents import ooxml_data

_CONTROLS = frozenset({"control", "ctrlprop"})
_TABLES = ("querytable", "pivotcachedefinition")


def take_out(parts: Parts) -> None:
    """See the module."""
    if parts.removed:
        _empty_buttons(parts)
    _stop_refreshing(parts)


def _empty_buttons(parts: Parts) -> None:
    """A click on a button whose macro is gone only makes Excel complain."""
    sheets = {link.relation.source for link in parts.links if link.relation.kind in _CONTROLS}
    for name in list(parts.names):
        if (name.startswith("xl/drawings/") and name.endswith((".xml", ".vml"))) or name in sheets:
            content = parts.content(name).replace(b"\0", b"")
            if b"macro=" in content or b"FmlaMacro" in content:
                _empty(parts, name)


def _empty(parts: Parts, name: str) -> None:
    try:
        xml = parts.xml(name, lambda node: node.name == "FmlaMacro" or bool(node.get("macro")))
    except CannotDisarm:
        if name.endswith(".vml"):
            return  # often no sound XML; what its shapes are assigned to names nothing that is still there
        raise
    for node in xml.nodes:
        if node.name == "FmlaMacro":
            xml.remove(node)
        else:
            xml.set_attribute(node, "macro", "")
    parts.put(name, xml)


def _stop_refreshing(parts: Parts) -> None:
    addresses, on_open = ooxml_data.fetched(parts.package, parts.work.budget)
    if not (addresses and on_open):
        return
    for name in list(parts.names):
        if "/_rels/" in name or not (_is_table(name) or ooxml_data.is_connections(parts.package, name)):
            continue
        if b"refreshOnLoad" in parts.content(name).replace(b"\0", b""):
            xml = parts.xml(name, named("connection", "webPr", "dbPr", "queryTable", "pivotCacheDefinition"))
            for node in xml.nodes:
                xml.set_attribute(node, "refreshOnLoad", None)
            parts.put(name, xml)
            parts.tell("the order to fetch data from elsewhere when it is opened")


def _is_table(name: str) -> bool:
    return any(word in name for word in _TABLES)
