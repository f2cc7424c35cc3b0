"""What disarming a workbook means in both of its forms, XML and binary: which sheets go, which names, what is counted.

Contract: questions about a package and its formulas; ``drop_calculation_chain`` alone changes anything.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Collection, Sequence

from gateway.scan.disarm.ooxml_parts import Parts
from gateway.scan.disarm.parts import CannotDisarm
from gateway.scan.documents import ooxml_cells, ooxml_excel, opc, xlm, xlm_code, xlsb
from gateway.scan.documents.parsed_formula import Reader

MACRO_SHEETS = "its Excel 4.0 macros"
SHEETS = frozenset({"worksheet", "xlmacrosheet", "xlintlmacrosheet", "chartsheet", "dialogsheet"})
_GOING = frozenset({"xlmacrosheet", "xlintlmacrosheet", "dialogsheet"})
_EXCEL = frozenset({"excel"})
_MOST_GOING = 1000

Judge = Callable[[str], bool]


def going(parts: Parts, reader: Reader) -> list[str]:
    """The sheets that have to go: all the scan takes for macro sheets, and dialogs, which do nothing without macros."""
    found = [name for name in ooxml_excel.sheets_of(parts.package) if name in parts.names]
    related = {link.relation.target for link in parts.living() if link.relation.kind in _GOING}
    gone = [name for name in found if name in related or _has_to_go(parts, name, reader)]
    if len(gone) > _MOST_GOING:
        raise CannotDisarm(f"it has more than {_MOST_GOING} macro sheets")
    return gone


def drop_calculation_chain(parts: Parts) -> None:
    """Excel makes the list of cells with formulas anew; one that names a cell without a formula it calls damaged."""
    for link in [link for link in parts.living() if link.relation.kind == "calcchain"]:
        parts.drop(link.relation.target)


def moved(number: int, places: Sequence[int], count: int) -> int:
    """The number of a sheet when those at the sorted ``places`` of ``count`` are gone; 0 for one that is gone."""
    before = bisect_left(places, number)
    is_gone = before < len(places) and places[before] == number
    return 0 if is_gone or number >= count else number - before


def is_started(parts: Parts, name: str) -> bool:
    """Whether Excel calls a macro because of this name."""
    return parts.work.rules.match(xlm.plain_name(name), language="xlm", applications=_EXCEL) is not None


def referring(titles: Collection[str]) -> Judge:
    """Whether a formula refers to a sheet with one of these titles."""
    if not titles:
        return lambda _formula: False
    words = "|".join(re.escape(title.replace("'", "''")) for title in titles)
    pattern = re.compile(rf"(?<![\w.])(?:{words})'?!", re.IGNORECASE)
    return lambda formula: pattern.search(formula) is not None


def _has_to_go(parts: Parts, name: str, reader: Reader) -> bool:
    kind = parts.package.content_type(name)
    if "macrosheet" in kind or "dialogsheet" in kind or "/macrosheets/" in name:
        return True
    content = parts.content(name)
    if opc.is_xml(content):
        return ooxml_cells.is_macro_sheet(content)
    if not xlsb.may_be_macro_sheet(content):
        return False
    found = xlm.Workbook()
    xlsb.read_formulas(content, name, reader, found, parts.work.budget)
    return any(xlm_code.is_macro(formula.text) for formula in found.formulas)
