"""Word documents in one XML file: Flat OPC of Word 2007 and WordprocessingML of Word 2003.

Contract: ``inspect`` decodes every binary part that begins as a document or a macro project and hands it on, and
reports what the text part of a package would be reported for: DDE fields and remote templates. Raises ``Corrupt`` when
the XML is not sound, after what came before the break was handed on, and ``OverLimit``.
"""

from __future__ import annotations

import binascii

from gateway.message import FileType, Kind
from gateway.scan.documents import fields, word_fields
from gateway.scan.documents.compound import CARRIERS
from gateway.scan.documents.opc import parse
from gateway.scan.documents.remote import is_remote
from gateway.scan.look import Blob, Corrupt, Look

TYPES = frozenset({FileType.FLAT_OPC, FileType.WORD_XML})

_BINARY = frozenset({"binaryData", "binData"})
"""``pkg:binaryData`` of Flat OPC; ``w:binData`` of Word 2003, where the macro project is ActiveMime."""
_WORTH_A_LOOK = (*CARRIERS, b"ActiveMime")


def inspect(blob: Blob, look: Look) -> None:
    """Look into one document."""
    content = bytes(blob.data)
    reader = _Reader(blob, look)
    try:
        parse(content, reader.start, text=reader.text, end=reader.end)
    finally:
        reader.finish()
    fields.tell(word_fields.in_xml(content), blob.where, look)


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
        try:
            content = binascii.a2b_base64("".join(pieces).encode("ascii", "ignore"))
        except binascii.Error as error:
            raise Corrupt(f"its part {self._name} is not sound base64 ({error})") from error
        self._look.budget.spend_bytes(len(content))
        if content.startswith(_WORTH_A_LOOK):
            self._look.descend(self._blob, content, self._name or "binary")

    def _link(self, values: dict[str, str]) -> None:
        target = values.get("Target") or values.get("val") or ""
        kind = values.get("Type", "attachedTemplate").rpartition("/")[2].casefold()
        if kind in {"attachedtemplate", "oleobject", "frame", "subdocument"} and is_remote(target):
            sentence = f"Fetches a remote template when it is opened: {target}"
            self._look.find(Kind.REMOTE_TEMPLATE, self._blob.where, sentence, reference="MITRE ATT&CK T1221")
