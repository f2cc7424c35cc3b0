"""Excel workbooks in one XML file (SpreadsheetML of Excel 2002 and 2003).

Contract: ``disarm`` keeps the promise of ``parts``. A formula that acts goes and the value it had stays; a name that
acts goes; a query stays, and is not asked any more as soon as the workbook is opened.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.closed_sets import FileType
from gateway.scan.disarm import splices
from gateway.scan.disarm.parts import CannotDisarm, Disarmed, Work
from gateway.scan.disarm.splices import Cut
from gateway.scan.documents import spreadsheetml

TYPES = frozenset({FileType.EXCEL_XML})

FORMULAS = "formulas that start another program"
QUERIES = "that it fetches data as soon as it is opened"

_CELL, _NAME = "Cell", "NamedRange"
_WANTED = frozenset({_CELL, _NAME, *spreadsheetml.ON_OPEN})


def disarm(content: bytes, name: str, work: Work) -> Disarmed:
    """The workbook without what acts in it."""
    removed: dict[str, None] = {}
    cuts: list[Cut] = []
    for what, cut in _cuts(content, work):
        removed[what] = None
        cuts.append(cut)
    if not cuts:
        raise CannotDisarm(f"{name or 'the workbook'} holds nothing that could be taken out")
    media_type = "application/vnd.ms-excel" if name.lower().endswith((".xls", ".xlt")) else "application/xml"
    return Disarmed(splices.spliced(content, cuts), name, media_type, tuple(removed))


def _cuts(content: bytes, work: Work) -> Iterator[tuple[str, Cut]]:
    for element in splices.elements(content, _WANTED, work.budget.check_time):
        if element.name in spreadsheetml.ON_OPEN:
            yield QUERIES, element.cut
        elif element.name == _NAME and spreadsheetml.acts(element.attributes.get("RefersTo", "")):
            yield FORMULAS, element.cut
        elif element.name == _CELL and spreadsheetml.acts(element.attributes.get("Formula", "")):
            yield FORMULAS, splices.attribute(content, element, "Formula")
