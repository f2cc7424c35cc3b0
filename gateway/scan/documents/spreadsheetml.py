"""Excel workbooks in one XML file: SpreadsheetML of Excel 2002 and 2003.

Contract: ``inspect`` reports formulas that start another program by DDE, functions of Excel 4.0 macros in formulas, and
web queries that are fetched on opening; the format can hold no VBA project. Raises ``Corrupt`` when the XML is not
sound, after telling what came before the break.
"""

from __future__ import annotations

import re

from gateway.closed_sets import FileType, Kind, Verdict
from gateway.scan.documents import cell_dde, xlm_code
from gateway.scan.documents.opc import parse
from gateway.scan.documents.remote import is_remote
from gateway.scan.look import Blob, Look

TYPES = frozenset({FileType.EXCEL_XML})

_FORMULAS = frozenset({"Formula", "RefersTo", "ArrayRange", "HRef", "Value1", "Value2"})
_TOLD = frozenset({"Formula", "URLString", "URL", "Path", "Topic", "Server", "Value", "SourcePath", "Connection"})
ON_OPEN = frozenset({"RefreshOnFileOpen", "RefreshOnOpen"})
_MACRO_CALL = re.compile(r"\b(EXEC|CALL|REGISTER|REGISTER\.ID|FOPEN|RUN|EVALUATE|INITIATE|EXECUTE)\(", re.IGNORECASE)
_MAX_TEXT = 4096


def inspect(blob: Blob, look: Look) -> None:
    """Look into one workbook."""
    reader = _Reader()
    try:
        parse(bytes(blob.data), reader.start, text=reader.text, end=reader.end)
    finally:
        reader.tell(blob, look)


class _Reader:
    """The handlers of one parse, and what they saw."""

    def __init__(self) -> None:
        self._dde: dict[str, None] = {}
        self._macro = ""
        self._address = ""
        self._on_open = False
        self._element = ""
        self._text: list[str] = []
        self._server = ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._element = name.rpartition(" ")[2]
        self._text = []
        self._on_open = self._on_open or self._element in ON_OPEN
        for key, value in attributes.items():
            if key.rpartition(" ")[2] in _FORMULAS:
                self._formula(value)

    def text(self, data: str) -> None:
        if self._element in _TOLD and len(self._text) < _MAX_TEXT:
            self._text.append(data)

    def end(self, name: str) -> None:
        text = "".join(self._text)[:_MAX_TEXT].strip()
        self._text = []
        local = name.rpartition(" ")[2]
        if not text:
            return
        if local == "Server":
            self._server = text
        elif local == "Topic" and self._server:
            self._dde[f"{self._server}|{text}"] = None
        elif is_remote(text):
            self._address = self._address or text
        else:
            self._formula(text)

    def tell(self, blob: Blob, look: Look) -> None:
        """Report everything seen so far."""
        for source in list(self._dde)[:1]:
            look.find(Kind.DDE, blob.where, f"A cell asks another program for data by DDE: {source}")
        if self._macro:
            sentence = f"A formula calls a function of Excel 4.0 macros: {self._macro}"
            look.find(Kind.XLM_MACRO, blob.where, sentence, verdict=Verdict.SUSPICIOUS, excerpt=self._macro)
        if self._address and self._on_open:
            sentence = f"Fetches data from elsewhere when it is opened: {self._address}"
            look.find(Kind.REMOTE_TEMPLATE, blob.where, sentence, indicators=[self._address])

    def _formula(self, value: str) -> None:
        if source := _dde_source(value):
            self._dde[source] = None
        if not self._macro and _MACRO_CALL.search(value):
            self._macro = value[: xlm_code.LINE]


def acts(formula: str) -> bool:
    """Whether a formula does what would be reported."""
    return bool(_dde_source(formula) or _MACRO_CALL.search(formula))


def _dde_source(formula: str) -> str:
    return cell_dde.in_formula(formula.encode("utf-8", "replace")) if "|" in formula else ""
