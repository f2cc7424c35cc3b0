"""The recursion: every part is sniffed, given to whoever reads its type, and what is inside comes back here.

Contract: ``Scan`` is the ``Look`` that all format modules are handed, for one message. This is the one place where an
exception becomes a finding: ``Corrupt`` says that content is broken, ``OverLimit`` that a limit was reached, anything
else that a reader has a bug. A part whose type can carry macros and that no reader knows is a finding too. Work is
bounded by the budget, and so is what is reported.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from gateway.closed_sets import FileType, Kind, Verdict
from gateway.message import Finding, Part, clip
from gateway.scan import inline, sniff
from gateway.scan.budget import Budget, Limits, OverLimit
from gateway.scan.carriers import CARRIERS
from gateway.scan.containers import CONTAINERS
from gateway.scan.documents import DOCUMENTS
from gateway.scan.families import OLE_TYPES, OOXML_TYPES
from gateway.scan.look import Blob, Corrupt
from gateway.scan.passwords import Passwords
from gateway.scan.triggers import ScanRules
from gateway.scan.yara import MACRO_LANGUAGES, TooSlow

Reader = Callable[[Blob, "Scan"], None]
Recall = Callable[[str], tuple[Finding, ...] | None]

READERS = (*DOCUMENTS, *CONTAINERS, *CARRIERS, (inline.TYPES, inline.unpack))

READERS_OF = {kind: [known for known in READERS if kind in known[0]] for kind in FileType}

MUST_BE_READ = frozenset(
    {
        *OOXML_TYPES,
        *OLE_TYPES,
        FileType.FLAT_OPC,
        FileType.WORD_XML,
        FileType.EXCEL_XML,
        FileType.ACTIVEMIME,
        FileType.TNEF,
        FileType.PST,
    }
)
"""Types that can carry macros or hide a file. One of them without a reader is unscannable."""

RECALLED = OOXML_TYPES | OLE_TYPES
"""Types worth asking the verdict cache about."""

NOTES = frozenset({FileType.TEXT, FileType.HTML})
"""What a password may be written in."""

RULE_SECONDS = 4.0
"""For all comparisons of one message with the YARA rules together."""

MAX_FINDINGS = 1000
"""Of one message; beyond it only findings that are worse than all others are kept."""
MAX_WHERE = 400
EXCERPT_LINES = 12


class _Stopped(OverLimit):
    """A limit of the whole message was reached and reported; everything on the way out just ends."""


class Scan:
    """One message being looked into. ``findings``, ``parts``, ``recalled`` and ``whole`` are the
    result."""

    def __init__(
        self, rules: ScanRules, limits: Limits, recall: Recall | None, passwords: tuple[str, ...] = ()
    ) -> None:
        self.rules = rules
        self.budget = Budget(limits)
        self.passwords = Passwords(limits.seconds, passwords)
        self.parts: list[Part] = []
        self.recalled = 0
        self.whole = True
        self._findings: dict[Finding, None] = {}
        self._told: dict[str, dict[str, FileType]] = {}
        """The parts by their path: what each content told there is."""
        self._recall = recall
        self._rule_seconds = RULE_SECONDS
        self._open = [Verdict.CLEAN]
        """The worst verdict so far of the message and of every part that is being looked at."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every finding once, in the order found."""
        return tuple(self._findings)

    @property
    def verdict(self) -> Verdict:
        """The worst finding of the message."""
        return self._open[0]

    def find(
        self,
        kind: Kind,
        where: str,
        detail: str,
        *,
        reference: str = "",
        excerpt: str = "",
        fingerprint: str = "",
        indicators: Iterable[str] = (),
        verdict: Verdict | None = None,
    ) -> None:
        """See ``Look.find``."""
        finding = Finding.of(
            kind,
            where or "message",
            detail,
            reference=reference,
            excerpt=excerpt,
            fingerprint=fingerprint,
            indicators=indicators,
            verdict=verdict,
        )
        self._add(finding)

    def _add(self, finding: Finding) -> None:
        if len(self._findings) < MAX_FINDINGS or finding.verdict > self.verdict:
            self._findings[finding] = None
        elif finding.verdict > Verdict.CLEAN:
            self.whole = False
        self._open = [max(verdict, finding.verdict) for verdict in self._open]

    def descend(self, parent: Blob, data: bytes | memoryview, name: str) -> FileType:
        """See ``Look.descend``."""
        where = clip(f"{parent.where}/{name}" if parent.where else name, MAX_WHERE)
        blob = Blob(bytes(data), where, name, parent.depth + 1)
        known = self._told.get(parent.where)
        if known and "." not in name and (kind := known.get(_digest(blob))) is not None:
            return kind  # another reading of the same part gave it; a name without an ending makes it nothing else
        return self.look_at(blob)

    def look_at(self, blob: Blob) -> FileType:
        """Examine one part and everything in it. Returns what it is; raises only to end the whole scan."""
        kinds: list[FileType] = []
        digest = ""
        self._open.append(Verdict.CLEAN)
        parts_before = len(self.parts)
        try:
            self.guarded(lambda part, _: kinds.extend(self._admit(part)), blob)
            digest = _digest(blob) if kinds and kinds[0] in RECALLED else ""
            if kinds and not self._remembered(blob, digest):
                self._read(blob, kinds)
                if self._is_leaf(kinds[0], parts_before):
                    self.guarded(lambda part, _: self.match_rules(part.where, bytes(part.data), kinds[0]), blob)
        finally:
            verdict = self._open.pop()
            kind = kinds[0] if kinds else FileType.BINARY
            if kind in NOTES:
                self.passwords.hear(blob.data)
            if self._is_leaf(kind, parts_before):
                part = Part(blob.where, kind, len(blob.data), digest or _digest(blob), verdict)
                self.parts.append(part)
                self._told.setdefault(part.where, {})[part.sha256] = kind
        return kind

    def _is_leaf(self, kind: FileType, parts_before: int) -> bool:
        """Whether it is told as a part: nothing inside it was, or it is a document in its own right."""
        return len(self.parts) == parts_before or kind in MUST_BE_READ

    def match_rules(self, where: str, content: bytes, filetype: str) -> None:
        """See ``Look.match_rules``. When the time for a message is up, each part that is not compared is told: one slow
        rule costs seconds and a verdict, never a worker."""
        if not self.rules.yara.signatures:
            return
        if self._rule_seconds <= 0:
            sentence = f"was not compared with the YARA rules: they had their {RULE_SECONDS:g} seconds for this message"
            self.find(Kind.TIMEOUT, where, sentence)
            return
        began = time.monotonic()
        try:
            hits = self.rules.yara.match(content, filetype, self._rule_seconds)
        except TooSlow as slow:
            self._rule_seconds = 0.0
            self.find(Kind.TIMEOUT, where, str(slow))
            return
        self._rule_seconds -= time.monotonic() - began
        for hit in hits:
            excerpt = _lines_at(content, hit.at) if filetype in MACRO_LANGUAGES else ""
            rule = hit.signature
            self.find(Kind.YARA, where, rule.title, reference=rule.id, excerpt=excerpt, verdict=rule.verdict)

    def _admit(self, blob: Blob) -> tuple[FileType, ...]:
        self.budget.spend_file()
        self.budget.check_depth(blob.depth)
        return sniff.candidates(blob.data)

    def _remembered(self, blob: Blob, digest: str) -> bool:
        """Whether the same document was looked into before; its findings are then those of this part."""
        if self._recall is None or not digest:
            return False
        remembered = self._recall(digest)
        if remembered is None:
            return False
        self.recalled += 1
        for finding in remembered:
            self._add(replace(finding, where=clip(blob.where + finding.where, 500)))
        return True

    def _read(self, blob: Blob, kinds: list[FileType]) -> None:
        readers = READERS_OF[kinds[0]]
        if len(kinds) > 1:
            readers = [known for known in READERS if not known[0].isdisjoint(kinds)]
            # what it is most likely first: whoever finds a locked file by chance has then heard the notes beside it
            readers.sort(key=lambda known: min(at for at, kind in enumerate(kinds) if kind in known[0]))
        for _, reader in readers:
            self.guarded(reader, blob)
        for kind in MUST_BE_READ.intersection(kinds):
            if not any(kind in types for types, _ in readers):
                self.find(Kind.CORRUPT, blob.where, f"is a {kind} file, which is not looked into")

    def guarded(self, reader: Reader, blob: Blob) -> None:
        """Let ``reader`` look at ``blob``; whatever it raises becomes a finding about that part."""
        try:
            reader(blob, self)
        except _Stopped:
            raise
        except OverLimit as limit:
            self.find(Kind.TIMEOUT if limit.timed_out else Kind.LIMIT, blob.where, str(limit))
            if not limit.local:
                raise _Stopped(str(limit)) from limit
        except Corrupt as error:
            self.find(Kind.CORRUPT, blob.where, str(error))
        except (KeyboardInterrupt, SystemExit, GeneratorExit):
            raise
        except BaseException as error:  # noqa: BLE001  libraries raise anything, and a crash must never be a pass
            self.find(Kind.CRASH, blob.where, f"a reader failed: {type(error).__name__}: {error}")


def _lines_at(content: bytes, at: int) -> str:
    """A few lines of macro source from the line in which ``at`` is."""
    start = content.rfind(b"\n", 0, at) + 1
    return "\n".join(content[start : start + 4000].decode("utf-8", "replace").split("\n")[:EXCERPT_LINES])


def _digest(blob: Blob) -> str:
    return hashlib.sha256(blob.data).hexdigest()
