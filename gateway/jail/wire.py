"""What the front and a jailed worker say to each other; everything a worker says is checked (``checks``).

Contract: no socket and no clock here. A frame is two lengths (bytes of JSON, bytes of tail), the JSON and the tail. The
front is trusted, a worker is not: it may have been taken over by what it read. So nothing it sends is ever
unpickled, no descriptor of its making is taken, and ``decode_answer`` accepts only an answer of known shape, size and
order whose strings are safe to show. Everything else is a ``WireError``, after which the worker is killed.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import FailFast, Field, TypeAdapter, ValidationError

from gateway.closed_sets import Verdict
from gateway.jail.checks import (
    DIGEST,
    DNS_NAME,
    MAX_REMOVED,
    WireError,
    check_authentication,
    check_reading,
    check_report,
    check_splices,
    is_safe,
    is_safe_change,
    is_safe_source,
    require,
)
from gateway.message import (
    Answer as DnsAnswer,
)
from gateway.message import Authentication, Change, Edits, Finding, Headline, Part, Report, Span, Splice
from gateway.readable import Reading, Source

MAX_TEXT: Final = 1 << 20
"""JSON of one frame; a usual report of the counts below has less than half of it. Refusing a hostile one of this size
costs the event loop half a second at the most (measured), and the worker its life."""
MAX_TAIL: Final = 64 << 20
"""Replacement bytes of one rewritten message, or one disarmed document."""
MAX_FINDINGS: Final = 200
MAX_PARTS: Final = 2000
MAX_FORGED: Final = 20_000
"""As many of the shortest header lines as the largest header block holds. Never cut short: each is one to remove."""
MAX_SPLICES: Final = 2000
MAX_CHANGES: Final = 100
"""Attachments of one message that are told as changed; all of them are."""
MAX_NAMES: Final = 80
"""DNS names of one message: of 8 signatures, 50 seals and one message signature, of the policy in two places."""
MAX_SOURCES: Final = 30

INLINE: Final = 1 << 16
"""Bytes of a message that goes to the worker in the frame of its job: a descriptor costs both sides more than the copy
does, and nine messages of ten are smaller."""

_PREFIX = struct.Struct("!II")


@dataclass(frozen=True, slots=True)
class Frame:
    text: bytes
    tail: bytes | bytearray = b""


class FrameReader:
    """Bytes in, frames out. Holds at most one frame's limits and what one read brought."""

    def __init__(self, max_text: int = MAX_TEXT, max_tail: int = MAX_TAIL) -> None:
        self._buffer = bytearray()
        self._max = (max_text, max_tail)

    def feed(self, data: bytes) -> None:
        self._buffer += data

    def next(self) -> Frame | None:
        """The next whole frame, or None until more bytes come. Raises ``WireError`` for a frame that is too large."""
        if len(self._buffer) < _PREFIX.size:
            return None
        text_size, tail_size = _PREFIX.unpack_from(self._buffer)
        if text_size > self._max[0] or tail_size > self._max[1]:
            raise WireError(f"a frame of {text_size} and {tail_size} bytes")
        middle = _PREFIX.size + text_size
        end = middle + tail_size
        if len(self._buffer) < end:
            return None
        whole, self._buffer = self._buffer, self._buffer[end:]
        text = bytes(whole[_PREFIX.size : middle])
        del whole[end:], whole[:middle]  # the tail is cut free in place: it may be large, and copying it takes time
        return Frame(text, whole)


@dataclass(frozen=True, slots=True)
class Job:
    """Front → worker; the message comes behind it as the tail, or beside it as a descriptor. ``recall``: the front
    remembers documents; ``mail``: a message, or else one file of that ``name``; ``strip`` and ``disarm``: MIME part
    numbers; ``link``: where the recipient can ask for the original."""

    job: int
    do: Literal["examine", "rewrite", "disarm", "names", "authenticate", "read", "sources", "extract"]
    recall: bool = False
    strip: tuple[str, ...] = ()
    disarm: tuple[str, ...] = ()
    why: str = ""
    held_id: str = ""
    link: str = ""
    subject_prefix: str = ""
    name: str = ""
    mail: bool = True
    answers: tuple[DnsAnswer, ...] = ()
    where: str = ""
    """The path of the part to extract."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """Front → worker: what was found in a document of these bytes; None if it is not remembered."""

    findings: tuple[Finding, ...] | None


@dataclass(frozen=True, slots=True)
class Ready:
    """The first word of a worker. ``edition`` names rules and engine; ``missing`` what the jail could not apply."""

    edition: str
    missing: Annotated[tuple[str, ...], Field(max_length=20), FailFast()]
    say: Literal["ready"] = "ready"


@dataclass(frozen=True, slots=True)
class Unfit:
    """The last word of a worker that cannot work at all: a broken installation, a bad setting."""

    why: str
    say: Literal["unfit"] = "unfit"


@dataclass(frozen=True, slots=True)
class Ask:
    """Is a document with this digest remembered?"""

    job: int
    sha256: str
    say: Literal["ask"] = "ask"


@dataclass(frozen=True, slots=True)
class Exposed:
    """What comes next is decoded by code that may be taken over: believe this worker about this job and no other. It
    cannot be taken back, and is said before that code sees a byte."""

    job: int
    say: Literal["exposed"] = "exposed"


@dataclass(frozen=True, slots=True)
class Examined:
    """The fields of ``Report``, their counts limited: pydantic stops at the first item that is wrong or too many."""

    job: int
    verdict: Verdict
    findings: Annotated[tuple[Finding, ...], Field(max_length=MAX_FINDINGS), FailFast()]
    parts: Annotated[tuple[Part, ...], Field(max_length=MAX_PARTS), FailFast()]
    headline: Headline
    sha256: str
    forged: Annotated[tuple[Span, ...], Field(max_length=MAX_FORGED), FailFast()]
    recalled: int
    seconds: float
    whole: bool = True
    grown: bool = False
    """The worker has kept much memory and asks to be replaced."""
    say: Literal["examined"] = "examined"

    @property
    def report(self) -> Report:
        return Report(
            verdict=self.verdict,
            findings=self.findings,
            parts=self.parts,
            headline=self.headline,
            sha256=self.sha256,
            forged=self.forged,
            recalled=self.recalled,
            seconds=self.seconds,
            whole=self.whole,
        )


@dataclass(frozen=True, slots=True)
class Rewritten:
    """Splices as (start, end, bytes of replacement); the replacements follow one another in the tail."""

    job: int
    splices: Annotated[tuple[tuple[int, int, int], ...], Field(max_length=MAX_SPLICES), FailFast()]
    changes: Annotated[tuple[Change, ...], Field(max_length=MAX_CHANGES), FailFast()] = ()
    grown: bool = False
    say: Literal["rewritten"] = "rewritten"


@dataclass(frozen=True, slots=True)
class Disarmed:
    """A document without what ran in it, which is the tail; the fields as in ``scan.disarm``. ``removed`` is empty when
    there was nothing to remove and the document is as it was."""

    job: int
    name: str
    media_type: str
    removed: Annotated[tuple[str, ...], Field(max_length=MAX_REMOVED), FailFast()]
    grown: bool = False
    say: Literal["disarmed"] = "disarmed"


@dataclass(frozen=True, slots=True)
class Named:
    """What has to be asked of DNS before the message can be authenticated."""

    job: int
    names: Annotated[tuple[str, ...], Field(max_length=MAX_NAMES), FailFast()]
    grown: bool = False
    say: Literal["named"] = "named"


@dataclass(frozen=True, slots=True)
class Authenticated:
    job: int
    authentication: Authentication
    grown: bool = False
    say: Literal["authenticated"] = "authenticated"


@dataclass(frozen=True, slots=True)
class Read:
    job: int
    reading: Reading
    grown: bool = False
    say: Literal["read"] = "read"


@dataclass(frozen=True, slots=True)
class Sources:
    job: int
    sources: Annotated[tuple[Source, ...], Field(max_length=MAX_SOURCES), FailFast()]
    grown: bool = False
    say: Literal["sources"] = "sources"


@dataclass(frozen=True, slots=True)
class Extracted:
    """One part, decoded, which is the tail."""

    job: int
    grown: bool = False
    say: Literal["extracted"] = "extracted"


@dataclass(frozen=True, slots=True)
class Failed:
    """No result; ``grown`` here also means that the worker does not trust its own state any more."""

    job: int
    why: str
    grown: bool = False
    signed: bool = False
    """A signature forbids the change."""
    say: Literal["failed"] = "failed"


Result = Examined | Rewritten | Disarmed | Named | Authenticated | Read | Sources | Extracted
RESULTS: Final[dict[str, type[Result]]] = {
    "examine": Examined,
    "rewrite": Rewritten,
    "disarm": Disarmed,
    "names": Named,
    "authenticate": Authenticated,
    "read": Read,
    "sources": Sources,
    "extract": Extracted,
}
"""What answers each job, if it did not fail."""

Answer = Ready | Unfit | Ask | Exposed | Result | Failed

_ANSWER: TypeAdapter[Answer] = TypeAdapter(Annotated[Answer, Field(discriminator="say")])
_JOB = TypeAdapter(Job)
_RECALLED = TypeAdapter(Recalled)


def head(text: bytes, tail_size: int = 0) -> bytes:
    """A frame up to its tail, which is sent behind it without being copied."""
    return _PREFIX.pack(len(text), tail_size) + text


def encode_answer(answer: Answer, tail_size: int = 0) -> bytes:
    return head(_ANSWER.dump_json(answer), tail_size)


def encode_job(job: Job, message: bytes = b"") -> bytes:
    return head(_JOB.dump_json(job), len(message)) + message


def decode_job(frame: Frame) -> Job:
    return _JOB.validate_json(frame.text)


def encode_recalled(findings: tuple[Finding, ...] | None) -> bytes:
    return head(_RECALLED.dump_json(Recalled(findings)))


def decode_recalled(frame: Frame) -> tuple[Finding, ...] | None:
    return _RECALLED.validate_json(frame.text).findings


def flatten(edits: Edits) -> tuple[tuple[tuple[int, int, int], ...], bytes]:
    """``edits`` as ``Rewritten`` carries them: the numbers and the tail."""
    numbers = tuple((splice.span.start, splice.span.end, len(splice.replacement)) for splice in edits.splices)
    return numbers, b"".join(splice.replacement for splice in edits.splices)


def decode_answer(frame: Frame, job: int, size: int) -> Answer:
    """What a worker says about job ``job`` (0: none yet) on a message of ``size`` bytes. Raises ``WireError``."""
    try:
        answer = _ANSWER.validate_json(frame.text, strict=True)
    except ValidationError as error:
        raise WireError(f"not an answer: {error.error_count()} mistakes") from None
    match answer:
        case Ready():
            require(job == 0, "ready in the middle of a job")
            require(is_safe(answer.edition, 200) and all(is_safe(word, 200) for word in answer.missing), "odd text")
        case Unfit():
            require(job == 0, "unfit in the middle of a job")
        case _:
            require(answer.job == job, "an answer for another job")
    _check_content(answer, frame, size)
    require(not frame.tail or isinstance(answer, Rewritten | Disarmed | Extracted), "a tail where none belongs")
    return answer


def _check_content(answer: Answer, frame: Frame, size: int) -> None:
    match answer:
        case Ask():
            require(DIGEST.fullmatch(answer.sha256) is not None, "not a digest")
        case Failed():
            require(is_safe(answer.why, 500), "odd text")
        case Examined():
            check_report(answer, size)
        case Rewritten():
            check_splices(answer.splices, len(frame.tail), size)
            require(all(is_safe_change(change) for change in answer.changes), "a change that cannot be")
        case Named():
            require(all(map(DNS_NAME.fullmatch, answer.names)), "a name that cannot be in DNS")
        case Authenticated():
            check_authentication(answer.authentication)
        case Read():
            check_reading(answer.reading)
        case Sources():
            require(all(map(is_safe_source, answer.sources)), "a source that is not safe to show")
        case Disarmed():
            require(all(is_safe(text, 300) for text in (answer.name, answer.media_type)), "odd text")
            require(all(is_safe(what, 100) for what in answer.removed), "odd text")


def unflatten(answer: Rewritten, tail: bytes | bytearray) -> Edits:
    """The edits of an answer that ``decode_answer`` accepted, with the tail of its frame."""
    splices = []
    position = 0
    view = memoryview(tail)
    for start, end, length in answer.splices:
        splices.append(Splice(Span(start, end), bytes(view[position : position + length])))
        position += length
    return Edits(tuple(splices), answer.changes)
