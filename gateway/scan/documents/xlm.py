"""Excel 4.0 macros, whatever the file they lie in: what macro sheets, names and formulas together say.

Contract: the readers of xls, xlsm, xlsb and slk fill a ``Workbook``; ``tell`` reports it. A macro sheet and a name that
Excel calls by itself make a document auto-exec, whatever the formulas are. A macro sheet that nobody can see and that
calls what only harm needs is suspicious without such a name: an event, a button or a VBA module may start it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.closed_sets import Kind, Verdict
from gateway.scan.documents import xlm_code
from gateway.scan.documents.xlm_code import Code, Formula
from gateway.scan.look import Look
from gateway.scan.triggers import Trigger

HIDDEN = {0: "visible", 1: "hidden", 2: "very hidden", 3: "very hidden"}
"""MS-XLS 2.4.28 hsState; 3 is not defined, and Excel shows such a sheet to nobody either."""

BUILT_IN = {0x01: "Auto_Open", 0x02: "Auto_Close", 0x0A: "Auto_Activate", 0x0B: "Auto_Deactivate"}
"""MS-XLS 2.5.66: the names Excel stores as one character."""

MAX_FORMULAS = 50_000
MAX_TEXT = 4 << 20
"""Characters of formulas of one workbook; far more than anybody ever wrote on a macro sheet."""
_MAX_FORMULA = 32 << 10
"""Characters; Excel accepts 8192."""
_MAX_STEPS = 1_000_000
"""Records of all macro sheets together."""
_MAX_NAMES = 20_000
_SHOWN_FUNCTIONS = 8
_A1 = re.compile(r"\$?([A-Z]{1,3})\$?(\d{1,7})(?::.*)?$", re.IGNORECASE)
_R1C1 = re.compile(r"R(\d{1,7})C(\d{1,5})(?::.*)?$", re.IGNORECASE)


@dataclass(slots=True)
class Workbook:
    """What one workbook holds: macro sheets as (name, how visible), its defined names as they are written and what they
    refer to, and the formulas of its macro sheets."""

    macro_sheets: list[tuple[str, str]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    refers: dict[str, str] = field(default_factory=dict)
    formulas: list[Formula] = field(default_factory=list)
    full: bool = False
    """There are more formulas than are kept; readers may stop."""
    _room: int = MAX_TEXT
    _steps: int = 0

    def define(self, name: str, refers: str = "") -> None:
        """A defined name. Of very many only those that may be called by Excel are kept."""
        if len(self.names) < _MAX_NAMES or may_run(name):
            self.names.append(name)
            if refers:
                self.refers[name] = refers

    def spend_step(self) -> None:
        """One more record of a macro sheet was read."""
        self._steps += 1
        self.full = self.full or self._steps > _MAX_STEPS

    def add(self, sheet: str, row: int, column: int, text: str) -> None:
        """A formula of a macro sheet, without ``=``; row and column count from 1."""
        if self.full or not text.strip():
            return
        self._room -= len(text)
        self.full = self._room < 0 or len(text) > _MAX_FORMULA or len(self.formulas) >= MAX_FORMULAS
        if not self.full:
            self.formulas.append(Formula(sheet, row, column, text))


def plain_name(raw: str) -> str:
    """A defined name without what only hides it: control and format characters, width and prefix variants."""
    if raw and ord(raw[0]) in BUILT_IN:
        return BUILT_IN[ord(raw[0])] + plain_name(raw[1:])
    shown = "".join(c for c in unicodedata.normalize("NFKC", raw) if c.isprintable() and not c.isspace())
    return shown[6:] if shown.casefold().startswith("_xlnm.") else shown


def may_run(name: str) -> bool:
    """Whether a name looks like one Excel calls by itself; the rules have the last word."""
    return plain_name(name).casefold().startswith("auto")


def tell(workbook: Workbook, where: str, look: Look) -> None:
    """Report the macro sheets of a workbook, whether Excel runs them by itself, and what they would do."""
    if not workbook.macro_sheets:
        return
    source = "\n".join([*workbook.names, *("=" + formula.text for formula in workbook.formulas)])
    look.match_rules(where, source.encode("utf-8", "replace"), "xlm")
    # the sheet that is hidden deepest is the one to tell of
    name, visible = max(workbook.macro_sheets, key=lambda sheet: _DEPTH.get(sheet[1], 1))
    sheet = f"{visible} macro sheet {name!r}"
    triggers = _triggers(workbook.names, look)
    for trigger, defined in triggers:
        refers = workbook.refers.get(defined, "")
        code = xlm_code.read(workbook.formulas, *_entry(refers), budget=look.budget)
        at = f" ({clean_reference(refers)})" if refers else ""
        sentence = f"{trigger.title}: the name {plain_name(defined)}{at} and the {sheet}{_calls(code)}"
        _find(Kind.XLM_AUTOEXEC, where, sentence, code, look, reference=trigger.id)
    if not triggers:
        code = xlm_code.read(workbook.formulas, "", 0, 0, budget=look.budget)
        harmful = bool(code.dangerous) and visible not in {"visible", "unlisted"}
        verdict = Verdict.SUSPICIOUS if harmful else None
        sentence = f"Holds Excel 4.0 macros: the {sheet}{_calls(code)}"
        _find(Kind.XLM_MACRO, where, sentence, code, look, verdict=verdict)
    if workbook.full:
        look.find(Kind.LIMIT, where, f"Holds more macro formulas, or longer ones, than are read ({MAX_FORMULAS})")


_DEPTH = {"visible": 0, "unlisted": 1, "hidden": 2, "very hidden": 3}


def _triggers(names: Iterable[str], look: Look) -> list[tuple[Trigger, str]]:
    """Each trigger once, with the first name that is one."""
    found: dict[str, tuple[Trigger, str]] = {}
    for defined in names:
        trigger = look.rules.match(plain_name(defined), language="xlm", applications=frozenset({"excel"}))
        if trigger:
            found.setdefault(trigger.id, (trigger, defined))
    return list(found.values())


def _find(
    kind: Kind,
    where: str,
    sentence: str,
    code: Code,
    look: Look,
    *,
    reference: str = "",
    verdict: Verdict | None = None,
) -> None:
    look.find(
        kind,
        where,
        sentence,
        reference=reference,
        excerpt=code.excerpt,
        fingerprint=code.fingerprint,
        indicators=code.indicators,
        verdict=verdict,
    )


def _calls(code: Code) -> str:
    return f", which calls {', '.join(code.dangerous[:_SHOWN_FUNCTIONS])}" if code.dangerous else ""


def clean_reference(refers: str) -> str:
    """What a name refers to, short enough for a sentence."""
    return refers.lstrip("=")[:80]


def _entry(refers: str) -> tuple[str, int, int]:
    """Sheet, row and column of the cell a reference names; zeros if it names none."""
    sheet, _, cell = refers.lstrip("=").rpartition("!")
    if match := _R1C1.match(cell):
        return sheet.strip("'"), int(match[1]), int(match[2])
    if match := _A1.match(cell):
        return sheet.strip("'"), int(match[2]), _column(match[1])
    return "", 0, 0


def _column(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number
