"""Word documents in one XML file: Flat OPC of Word 2007 and WordprocessingML of Word 2003.

Contract: ``inspect`` decodes every binary part and hands on what is no picture, and
reports what the text part of a package would be reported for: DDE fields and remote templates. Raises ``Corrupt`` when
the XML is not sound, after what came before the break was handed on, and ``OverLimit``.
"""

from __future__ import annotations

from gateway.closed_sets import FileType
from gateway.scan import sniff
from gateway.scan.documents import fields, links, word_fields
from gateway.scan.documents.opc import parse
from gateway.scan.encodings.base64_text import simple_base64
from gateway.scan.look import Blob, Look

TYPES = frozenset({FileType.FLAT_OPC, FileType.WORD_XML})

_BINARY = frozenset({"binaryData", "binData"})
"""``pkg:binaryData`` of Flat OPC; ``w:binData`` of Word 2003, where the macro project is ActiveMime."""
_QUIET = frozenset({FileType.IMAGE, FileType.BINARY, FileType.EMPTY})
"""Parts that are not handed on: pictures, fonts and the like, with nothing behind them."""


def inspect(blob: Blob, look: Look) -> None:
    """Look into one document."""
    content = bytes(blob.data)
    reader = _Reader(blob, look)
    try:
        parse(content, reader.start, text=reader.text, end=reader.end, clock=look.budget.check_time)
    finally:
        reader.finish()
    fields.tell(word_fields.in_xml(content, look.budget.check_time), blob.where, look)


class _Reader:
    """The handlers of one parse."""

    def __init__(self, blob: Blob, look: Look) -> None:
        self._blob, self._look = blob, look
        self._pieces: list[str] | None = None
        self._name = ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        values = {key.rpartition(" ")[2]: value for key, value in attributes.items()}
        if local == "part" or ("name" in values and local in _BINARY):
            self._name = values.get("name", "").strip("/")
        if local in _BINARY:
            self._pieces = []
        elif local in {"Relationship", "attachedTemplate"}:
            self._link(values)

    def text(self, data: str) -> None:
        if self._pieces is not None:
            self._pieces.append(data)

    def end(self, name: str) -> None:
        if name.rpartition(" ")[2] in _BINARY:
            self.finish()

    def finish(self) -> None:
        """Hand on the binary part that was being read, whole or as far as it came."""
        pieces, self._pieces = self._pieces, None
        if not pieces:
            return
        content = simple_base64("".join(pieces).encode("ascii", "ignore"))
        self._look.budget.spend_bytes(len(content))
        if not _QUIET.issuperset(sniff.candidates(content)):
            self._look.descend(self._blob, content, self._name or "binary")

    def _link(self, values: dict[str, str]) -> None:
        target = values.get("Target") or values.get("val") or ""
        kind = values.get("Type", "attachedTemplate").rpartition("/")[2].casefold()
        inside = "Type" in values and values.get("TargetMode", "").casefold() != "external"
        if not inside and (found := links.judged(kind, target)):
            self._look.find(found[0], self._blob.where, found[1], reference="MITRE ATT&CK T1221")
