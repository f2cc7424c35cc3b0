"""Excel 4.0 macros, whatever the file they lie in: what macro sheets and names together say.

Contract: the readers of xls, xlsm and xlsb fill a ``Workbook``; ``tell`` reports it. A macro sheet and a name that
Excel calls by itself make a document auto-exec; how deep the sheet is hidden only goes into the sentence.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field

from gateway.message import Kind
from gateway.scan.look import Look

HIDDEN = {0: "visible", 1: "hidden", 2: "very hidden", 3: "very hidden"}
"""MS-XLS 2.4.28 hsState; 3 is not defined, and Excel shows such a sheet to nobody either."""

BUILT_IN = {0x01: "Auto_Open", 0x02: "Auto_Close", 0x0A: "Auto_Activate", 0x0B: "Auto_Deactivate"}
"""MS-XLS 2.5.66: the names Excel stores as one character."""


@dataclass(slots=True)
class Workbook:
    """What one workbook holds: macro sheets as (name, how visible), and its defined names as they are written."""

    macro_sheets: list[tuple[str, str]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)


def plain_name(raw: str) -> str:
    """A defined name without what only hides it: control and format characters, width and prefix variants."""
    if raw and ord(raw[0]) in BUILT_IN:
        return BUILT_IN[ord(raw[0])] + plain_name(raw[1:])
    shown = "".join(c for c in unicodedata.normalize("NFKC", raw) if c.isprintable() and not c.isspace())
    return shown[6:] if shown.casefold().startswith("_xlnm.") else shown


def tell(workbook: Workbook, where: str, look: Look) -> None:
    """Report the macro sheets of a workbook, and whether Excel runs them by itself."""
    if not workbook.macro_sheets:
        return
    name, visible = workbook.macro_sheets[0]
    sheet = f"{visible} macro sheet {name!r}"
    applications = frozenset({"excel"})
    triggers = {
        trigger.id: (trigger, defined)
        for defined in reversed(workbook.names)
        if (trigger := look.rules.match(plain_name(defined), language="xlm", applications=applications))
    }
    for trigger, defined in triggers.values():
        sentence = f"{trigger.title}: the name {plain_name(defined)} and the {sheet}"
        look.find(Kind.XLM_AUTOEXEC, where, sentence, reference=trigger.id)
    if not triggers:
        look.find(Kind.XLM_MACRO, where, f"Holds Excel 4.0 macros: the {sheet}")
