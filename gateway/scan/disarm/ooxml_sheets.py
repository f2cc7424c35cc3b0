"""Workbooks in XML: macro sheets and what they are called by, cells that reach out, links by DDE (ECMA-376 part 1 §18).

Contract: ``take_out`` drops every macro and dialog sheet with its entry and every defined name for it, and each formula
to which the scan would object or that refers to what is gone; the cell keeps the value it shows. What counts sheets or
links is counted anew. Raises ``CannotDisarm`` for a workbook of which nothing would be left.
"""

from __future__ import annotations

from bisect import bisect_left

from gateway.scan.disarm import ooxml_binary, ooxml_book
from gateway.scan.disarm.ooxml_book import Judge
from gateway.scan.disarm.ooxml_parts import Parts
from gateway.scan.disarm.ooxml_xml import Node, Xml, named
from gateway.scan.disarm.parts import CannotDisarm
from gateway.scan.documents import ooxml_cells, ooxml_excel, opc
from gateway.scan.documents.cell_dde import starts_program
from gateway.scan.documents.parsed_formula import Reader

FORMULAS = "formulas that start programs or fetch data (their values stay)"
DDE = "links that start other programs (DDE)"

_FORMULAS = ("f", "formula", "formula1", "formula2")
_RULES = frozenset({"cfRule", "dataValidation"})
_RULE_FRAMES = frozenset({"conditionalFormatting", "conditionalFormattings", "dataValidations"})
_VISIBLE = ("", "visible")


def take_out(parts: Parts) -> None:
    """See the module."""
    main = parts.main  # found anew each time it is asked for
    if not any(link.relation.source == main and link.relation.kind in ooxml_book.SHEETS for link in parts.links):
        return
    if not opc.is_xml(parts.content(parts.main)):
        ooxml_binary.take_out(parts)
        return
    gone = ooxml_book.going(parts, Reader(12))
    titles = _drop_sheets(parts, gone) if gone else []
    links = _drop_dde(parts)
    _drop_formulas(parts, _judge(titles, links), worth_a_look=bool(titles or links))


def _drop_sheets(parts: Parts, gone: list[str]) -> list[str]:
    """Drop these sheets; gives their titles."""
    ids = {link.relation.id for link in parts.living() if link.relation.target in gone}
    xml = parts.xml(parts.main, named("sheet", "definedName", "workbookView"))
    sheets = [node for node in xml.nodes if node.name == "sheet"]
    places = [number for number, node in enumerate(sheets) if not ids.isdisjoint(node.relations)]
    left = [node for node in sheets if ids.isdisjoint(node.relations)]
    if not left:
        raise CannotDisarm("it has no sheet but macro sheets")
    titles = [sheets[number].get("name") for number in places]
    for number in places:
        xml.remove(sheets[number])
    if not any(node.get("state") in _VISIBLE for node in left):
        xml.set_attribute(left[0], "state", None)
    _mend_names(parts, xml, places, ooxml_book.referring(titles))
    for view in [node for node in xml.nodes if node.name == "workbookView"]:
        for attribute in ("activeTab", "firstSheet"):
            if view.get(attribute).isdecimal():
                xml.set_attribute(view, attribute, str(ooxml_book.moved(int(view.get(attribute)), places, len(sheets))))
    parts.put(parts.main, xml)
    for name in gone:
        parts.drop(name)
    parts.tell(ooxml_book.MACRO_SHEETS)
    return titles


def _mend_names(parts: Parts, xml: Xml, places: list[int], refers: Judge) -> None:
    removed = []
    gone = set(places)
    for node in [node for node in xml.nodes if node.name == "definedName"]:
        local = node.get("localSheetId")
        here = int(local) if local.isdecimal() else -1
        if here in gone or ooxml_book.is_started(parts, node.get("name")) or refers(node.text):
            removed.append(node)
        elif here >= 0:
            xml.set_attribute(node, "localSheetId", str(here - bisect_left(places, here)))
    xml.prune(removed, frozenset({"definedNames"}))


def _judge(titles: list[str], links: list[int]) -> Judge:
    refers = ooxml_book.referring(titles)
    linked = tuple(f"[{number}]" for number in links)
    return lambda formula: (
        ooxml_excel.reaches_out(ooxml_cells.reached(formula))
        or refers(formula)
        or any(mark in formula for mark in linked)
    )


def _drop_dde(parts: Parts) -> list[int]:
    """Drop the links that start programs; gives the numbers formulas knew them by. Those before another link stay,
    empty, because the others keep their numbers."""
    main = parts.main
    xml = parts.xml(main, named("externalReference", "definedName"))
    ids = {link.relation.id: link.relation.target for link in parts.living() if link.relation.source == main}
    listed = [node for node in xml.nodes if node.name == "externalReference"]
    targets = [next((ids[one] for one in node.relations if one in ids), "") for node in listed]
    acting = {name for name in set(targets) if name in parts.names and _cut_dde(parts, name)}
    dead = [number for number, name in enumerate(targets, 1) if name in acting]
    if not dead:
        return []
    marks = tuple(f"[{number}]" for number in dead)
    names = [n for n in xml.nodes if n.name == "definedName" and any(mark in n.text for mark in marks)]
    xml.prune(names, frozenset({"definedNames"}))
    parts.put(parts.main, xml)
    while targets and targets[-1] in acting:
        parts.drop(targets.pop())
    parts.tell(DDE)
    return dead


def _cut_dde(parts: Parts, name: str) -> bool:
    """Take a link that starts a program out of its part; whether there was one."""
    xml = parts.xml(name, named("ddeLink", "oleLink"))
    acting = [node for node in xml.nodes if node.name == "ddeLink" or starts_program(node.get("progId"))]
    for node in acting:
        xml.remove(node)
    parts.put(name, xml)
    return bool(acting)


def _drop_formulas(parts: Parts, judge: Judge, *, worth_a_look: bool) -> None:
    for name in ooxml_excel.sheets_of(parts.package):
        if name not in parts.names or not opc.is_xml(parts.content(name)):
            continue
        content = parts.content(name)
        if worth_a_look or ooxml_excel.reaches_out(ooxml_cells.reaching(content)):
            xml = parts.xml(name, named(*_FORMULAS))
            _drop_from_sheet(xml, judge)
            if xml.changed:
                parts.put(name, xml)
                parts.tell(FORMULAS)
                ooxml_book.drop_calculation_chain(parts)
    if worth_a_look:
        ooxml_book.drop_calculation_chain(parts)


def _drop_from_sheet(xml: Xml, judge: Judge) -> None:
    bad = {node for node in xml.nodes if judge(node.text)}
    shared = {node.get("si") for node in bad if node.name == "f" and node.get("t") == "shared"}
    rules: dict[Node, None] = {}
    for node in xml.nodes:
        if node in bad or (node.name == "f" and node.get("t") == "shared" and node.get("si") in shared):
            rule = next((above for above in node.above() if above.name in _RULES), None)
            if rule is None:
                xml.remove(node)
            else:
                rules[rule] = None
    xml.prune(rules, _RULE_FRAMES)
