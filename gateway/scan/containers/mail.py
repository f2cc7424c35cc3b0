"""A message in the mail format, at the top or attached: every part is decoded and handed on.

Contract: each leaf of the MIME tree is handed on once for each coding a mail program may apply, under its part number
and name. Bytes between the parts are looked at as well. Disagreements between mail programs are findings; unless they
say otherwise they count as unscannable only when something other than text and pictures is behind them. Raises
``OverLimit``.
"""

from __future__ import annotations

from gateway.message import FileType, Kind, Verdict
from gateway.scan import encodings, mime
from gateway.scan.headers import Bytes
from gateway.scan.look import Blob, Look
from gateway.scan.mime import IDENTITY, Entity

TYPES = frozenset({FileType.EMAIL, FileType.MHT})

PLAIN = frozenset({FileType.TEXT, FileType.HTML, FileType.IMAGE, FileType.EMPTY})
"""What may stand in an ambiguous place without being a danger: none of it holds a document."""

MIN_LOOSE = 128
"""Bytes between parts that are looked at; what is shorter, like the usual sentence about MIME, holds no document."""


def unpack(blob: Blob, look: Look) -> None:
    """Hand on every part of the message in ``blob``."""
    data = bytes(blob.data)
    examine_tree(data, mime.parse(data, look.budget), blob, look)


def examine_tree(data: Bytes, tree: Entity, blob: Blob, look: Look) -> None:
    """The same for a message that is parsed already. ``data`` may be mapped memory; only parts are copied out of it."""
    look.passwords.hear_mail(data, tree)
    _Visit(data, blob, look).entity(tree)


class _Visit:
    def __init__(self, data: Bytes, blob: Blob, look: Look) -> None:
        self.data = data
        self.blob = blob
        self.look = look

    def entity(self, entity: Entity) -> bool:
        """Look at an entity and what is below it; whether that is more than text and pictures."""
        risky = [self.entity(child) for child in entity.children]
        risky += [self._other(entity.other)] if entity.other else []
        risky += [self._loose(entity, span.start, span.end) for span in entity.loose]
        risky += [self._coded(entity, coding) for coding in entity.codings]
        for doubt in entity.doubts:
            verdict = doubt.verdict
            if verdict is None and not any(risky):
                verdict = Verdict.CLEAN
            self.look.find(Kind.MIME_AMBIGUOUS, self._path(entity.where), doubt.sentence, verdict=verdict)
        return any(risky)

    def _other(self, entity: Entity) -> bool:
        """A second reading of bytes that are looked at already: paid for, because readings multiply as they nest."""
        self.look.budget.spend_bytes(entity.body.end - entity.body.start)
        return self.entity(entity)

    def _loose(self, entity: Entity, start: int, end: int) -> bool:
        if end - start < MIN_LOOSE:
            return False
        content = self.data[start:end]
        kind = self.look.descend(self.blob, content, f"{entity.number or 'message'}/between parts")
        if kind not in PLAIN:
            self.look.find(
                Kind.MIME_AMBIGUOUS, self._path(entity.where), f"a {kind} file stands between the parts of a multipart"
            )
        return kind not in PLAIN

    def _coded(self, entity: Entity, coding: str) -> bool:
        """One reading of the body. What the tree has divided already is not looked at again undecoded."""
        if coding in IDENTITY:
            return not entity.children and self._hand_on(entity, self.data[entity.body.start : entity.body.end])
        risky = False
        header = self._type_fields(entity)
        for name, content in self._decoded(entity, coding):
            self.look.budget.spend_bytes(len(content))
            risky |= self._hand_on(entity, header + content, name)
        return risky

    def _type_fields(self, entity: Entity) -> bytes:
        """What makes a message of the decoded body of a multipart, and tells that of a message to be one."""
        if entity.type in mime.MESSAGE_TYPES:
            return b"MIME-Version: 1.0\r\n"
        if not entity.type.startswith("multipart"):
            return b""
        spans = [field.span for field in entity.block.fields if field.name == "content-type"]
        return b"".join(self.data[span.start : span.end] for span in spans) + b"\r\n"

    def _decoded(self, entity: Entity, coding: str) -> list[tuple[str, bytes]]:
        start, end = entity.body.start, entity.body.end
        if coding == mime.UUENCODE:
            return list(encodings.uu_body(self.data[start:end]))
        if coding == mime.BASE64:
            return [("", view) for view in encodings.base64_views(self.data, start, end)]
        return [("", encodings.quoted_printable(self.data[start:end]))]

    def _hand_on(self, entity: Entity, content: bytes, name: str = "") -> bool:
        kind = self.look.descend(self.blob, content, "/".join(filter(None, (entity.where, name))))
        # Text decoded by a coding it does not have gives bytes that are nothing.
        return kind not in PLAIN and not (kind is FileType.BINARY and len(entity.codings) > 1)

    def _path(self, where: str) -> str:
        return f"{self.blob.where}/{where}" if self.blob.where else where
