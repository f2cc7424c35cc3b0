"""A message in the mail format, at the top or attached: every part is decoded and handed on.

Contract: each leaf of the MIME tree is handed on once for each coding a mail program may apply, under its part number
and name. Bytes between the parts are looked at as well. Disagreements between mail programs are findings; unless they
say otherwise they count as unscannable only when something other than text and pictures is behind them. Whatever is in
doubt is read once more without its structure (``scan.loose``), and so is text that looks as if a part were hidden in
it; ordinary parts are looked at once. Text in a character set that hides letters is looked at decoded as well, and a
document that went through a program for text with its line ends repaired. Raises ``OverLimit``.
"""

from __future__ import annotations

import re

from gateway.closed_sets import FileType, Kind, Verdict
from gateway.scan import charsets, encodings, line_ends, loose, mime, names, sniff
from gateway.scan.headers import PLAINLY, Bytes, made_plain
from gateway.scan.look import Blob, Look
from gateway.scan.mime import IDENTITY, Entity
from gateway.scan.search import find

TYPES = frozenset({FileType.EMAIL, FileType.MHT})

PLAIN = frozenset({FileType.TEXT, FileType.HTML, FileType.IMAGE, FileType.EMPTY})
"""What may stand in an ambiguous place without being a danger: none of it holds a document."""

WRITTEN = frozenset({FileType.TEXT, FileType.HTML, FileType.XML, FileType.BINARY})
"""What text in a character set that is no extension of ASCII may be taken for."""

MIN_LOOSE = 128
"""Bytes between parts that are looked at; what is shorter, like the usual sentence about MIME, holds no document."""

MAX_TAIL = 64
"""By how much two decodings of the same lines may differ in length: a signature below them, no document."""

_DELIMITER = re.compile(rb"^--[ -~]{1,200}\r?$", re.MULTILINE)
MAX_FOOTER = 512
"""What base64 makes of a text that some program wrote below it; no document is as short."""

_FIELD_FIRST = re.compile(rb"[\s\0]{0,10}content-", re.IGNORECASE)


def unpack(blob: Blob, look: Look) -> None:
    """Hand on every part of the message in ``blob``."""
    data = bytes(blob.data)
    examine_tree(data, mime.parse(data, look.budget), blob, look)


def examine_tree(data: Bytes, tree: Entity, blob: Blob, look: Look) -> None:
    """The same for a message that is parsed already. ``data`` may be mapped memory; only parts are copied out of it."""
    look.passwords.hear_mail(data, tree)
    _Visit(data, blob, look, in_doubt=any(entity.doubts for entity in tree.walk())).message(tree)


class _Visit:
    def __init__(self, data: Bytes, blob: Blob, look: Look, *, in_doubt: bool) -> None:
        self.data = data
        self.blob = blob
        self.look = look
        self.in_doubt = in_doubt
        self._told: list[tuple[Entity, bool]] = []
        """Entities with doubts, and whether more than text and pictures is behind them."""
        self._seen: list[bytes] = []
        """What was handed on of a message in doubt, so that the loose reading of it adds only what is new."""

    def message(self, tree: Entity) -> None:
        """Every view of every part; when anything is in doubt, all of it once more without its structure."""
        self.entity(tree)
        hidden = self.in_doubt and self._hidden(tree, tree.header.start, tree.body.end)
        if any(not PLAINLY.isdisjoint(entity.doubts) for entity, _ in self._told):
            self._made_plain(tree)
        for entity, risky in self._told:
            for doubt in entity.doubts:
                verdict = doubt.verdict
                if verdict is None and not risky and not hidden:
                    verdict = Verdict.CLEAN
                self.look.find(Kind.MIME_AMBIGUOUS, self._path(entity.where), doubt.sentence, verdict=verdict)

    def _made_plain(self, tree: Entity) -> None:
        """All of it once more with its lines as the most tolerant programs see them."""
        content = made_plain(self.data[tree.header.start : tree.body.end])
        self.look.budget.spend_bytes(len(content))
        if content.count(b"\n") and content != self.data:
            self.look.descend(self.blob, content, f"{tree.number or 'message'}/with plain lines")

    def entity(self, entity: Entity) -> bool:
        """Look at an entity and what is below it; whether that is more than text and pictures."""
        risky = [self.entity(child) for child in entity.children]
        risky += [self._other(entity.other)] if entity.other else []
        risky += [self._loose(entity, span.start, span.end) for span in entity.loose]
        risky += [self._coded(entity, coding) for coding in entity.codings]
        if entity.doubts:
            self._told.append((entity, any(risky)))
        return any(risky)

    def _other(self, entity: Entity) -> bool:
        """A second reading of bytes that are looked at already: paid for, because readings multiply as they nest."""
        self.look.budget.spend_bytes(entity.body.end - entity.body.start)
        return self.entity(entity)

    def _hidden(self, entity: Entity, start: int, end: int) -> bool:
        """What the loose reading finds besides what was seen; whether that is more than text and pictures."""
        found = False
        for name, content in loose.files(self.data[start:end], self.look.budget):
            if not any(_is_same(content, seen) for seen in self._seen):
                self._seen.append(content)
                path = f"{entity.number or 'message'}/hidden/{names.element(name) or 'without a name'}"
                found |= self.look.descend(self.blob, content, path) not in PLAIN
        return found

    def _inside(self, entity: Entity, start: int, end: int) -> bool:
        """What hides in a body that nothing casts a doubt on."""
        found = self._hidden(entity, start, end)
        self._seen.clear()
        if found:
            # the body of one program is the header of another when it begins like one; else it is text that was quoted
            begins = _FIELD_FIRST.match(self.data[start : start + 32]) is not None
            sentence = "the body of a part holds another part or a file"
            verdict = None if begins else Verdict.CLEAN
            self.look.find(Kind.MIME_AMBIGUOUS, self._path(entity.where), sentence, verdict=verdict)
        return found

    def _loose(self, entity: Entity, start: int, end: int) -> bool:
        if end - start < MIN_LOOSE:
            return False
        content = self.data[start:end]
        kind = self._descend(content, f"{entity.number or 'message'}/between parts")
        risky = self._is_risky(kind, content)
        if kind not in PLAIN:
            verdict = None if risky else Verdict.CLEAN
            sentence = f"a {kind} file stands between the parts of a multipart"
            self.look.find(Kind.MIME_AMBIGUOUS, self._path(entity.where), sentence, verdict=verdict)
        inside = not self.in_doubt and loose.is_worth_it(content) and self._inside(entity, start, end)
        return risky or inside

    def _coded(self, entity: Entity, coding: str) -> bool:
        """One reading of the body. What the tree has divided already is not looked at again undecoded."""
        start, end = entity.body.start, entity.body.end
        if coding in IDENTITY:
            if entity.children:
                return False
            risky, kind = self._hand_on(entity, self.data[start:end], "", coded=False)
            risky = risky and not (kind is FileType.BINARY and len(entity.codings) > 1)
        else:
            risky = self._decoded(entity, coding)
        inside = not self.in_doubt and self._is_foreign(start, end, coding) and self._inside(entity, start, end)
        return risky or inside

    def _decoded(self, entity: Entity, coding: str) -> bool:
        """The readings of an encoded body; that there are several is told."""
        looks, readings, first = [], 0, b""
        body = entity.body
        for name, content in encodings.decoded(coding, self.data, body.start, body.end, self.look.budget):
            looks += [self._hand_on(entity, content, shown, coded=True) for shown in _shown_names(entity, name)]
            if entity.children:
                break  # divided undecoded; letters of its parts are no bent base64 of the whole
            first = first or content
            readings += not name and (content is first or not _is_piece(content, first))
        # a wrong one of several readings gives bytes that are nothing
        several = readings > 1 or len(entity.codings) > 1
        risky = any(risky and not (several and kind is FileType.BINARY) for risky, kind in looks)
        if readings > 1:
            sentence = f"its {coding} text is decoded in {readings} ways by different programs"
            verdict = None if risky else Verdict.CLEAN
            self.look.find(Kind.MIME_AMBIGUOUS, self._path(entity.where), sentence, verdict=verdict)
        return risky

    def _is_foreign(self, start: int, end: int, coding: str) -> bool:
        """Whether there may be more in a body than its coding gives: base64 has neither dashes nor fields."""
        if coding == encodings.BASE64:
            return find(self.data, b"-", start, end) >= 0
        return loose.is_worth_it(self.data[start:end])

    def _type_fields(self, entity: Entity) -> bytes:
        """What makes a message of the decoded body of a multipart, and tells that of a message to be one."""
        if entity.type in mime.MESSAGE_TYPES:
            return b"MIME-Version: 1.0\r\n"
        if not entity.type.startswith("multipart"):
            return b""
        spans = [field.span for field in entity.block.fields if field.name == "content-type"]
        return b"".join(self.data[span.start : span.end] for span in spans) + b"\r\n"

    def _hand_on(self, entity: Entity, content: bytes, name: str, *, coded: bool) -> tuple[bool, FileType]:
        """Have it looked into; whether it is more than text and pictures, and what it is."""
        path = "/".join(filter(None, (entity.where, name)))
        header = self._type_fields(entity) if coded else b""
        if header and sniff.sniff(content) not in loose.QUIET:
            header = b""
        elif header and entity.children and not _DELIMITER.search(content):
            return False, FileType.EMPTY  # what was divided undecoded is no multipart decoded
        kind = self._descend(content, path, header)
        if kind is FileType.BINARY and content[:1].isspace():
            # an empty line that most programs take for a part of the header, and some for the first of the file
            kind = self._descend(content.lstrip(), path)
        risky = self._is_risky(kind, content)
        return self._otherwise(entity, content, kind, path, coded=coded) or risky, kind

    def _otherwise(self, entity: Entity, content: bytes, kind: FileType, path: str, *, coded: bool) -> bool:
        """Look at a text in its character set, at a document with the line ends it had; whether that is a risk.

        Line ends change on the way only where nothing is ``coded``; a small archive of text has none but CRLF.
        """
        if kind in WRITTEN:
            if kind is FileType.HTML and b"\0" in content[:2]:
                return False  # whoever reads pages decodes these
            found = charsets.respelt(content, entity.block.all("content-type"))
            if found is None:
                return False
            charset, other = found
            name = f"text out of {charset}"
        else:
            repaired = None if coded else line_ends.repaired(content)
            if repaired is None:
                return False
            name, other = "with its line ends repaired", repaired
        self.look.budget.spend_bytes(len(other))
        return self._is_risky(self._descend(other, f"{path}/{name}"), other)

    def _is_risky(self, kind: FileType, content: bytes) -> bool:
        """Whether something is more than text and pictures, and than text with zero bytes or fields before it."""
        if kind in TYPES:
            return any(True for _ in loose.files(content, self.look.budget))
        if kind is FileType.BINARY and b"\0" in content and self.in_doubt:
            content = content.replace(b"\0", b"")
            return self._is_risky(sniff.sniff(content), content)
        return kind not in PLAIN

    def _descend(self, content: bytes, path: str, header: bytes = b"") -> FileType:
        if self.in_doubt:
            self._seen.append(content)
        return self.look.descend(self.blob, header + content, path)

    def _path(self, where: str) -> str:
        return f"{self.blob.where}/{where}" if self.blob.where else where


def _is_same(content: bytes, seen: bytes) -> bool:
    """Whether ``content`` is what was seen, cut off or with a few bytes more."""
    return seen.startswith(content) or (content.startswith(seen) and len(content) - len(seen) <= MAX_TAIL)


def _is_piece(content: bytes, whole: bytes) -> bool:
    """Whether a second reading is the first one cut off, the footer below it, or differs by that footer only."""
    return whole.startswith(content[:-MAX_FOOTER])


def _shown_names(entity: Entity, name: str) -> tuple[str, ...]:
    """What stands behind the path of the part: some programs show the ``name`` of a uuencoded block, others that of the
    part. What a file does may hang on its ending, so where the endings differ both are tried."""
    if not entity.name or not name:
        return (name,)
    return ("",) if names.endings(name) == names.endings(entity.name) else ("", name)
