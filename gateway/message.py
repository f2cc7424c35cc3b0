"""The vocabulary of Macrogate: what every other module talks in.

Contract: nothing here imports anything of ours but the words of ``closed_sets``, touches a socket, a file or a clock,
or can fail on hostile content. Everything is frozen, so what was scanned and decided cannot change on its way to the
next hop.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from gateway.closed_sets import USUAL_VERDICT, Action, AuthResult, Effect, FileType, Kind, Verdict

MAX_INDICATORS = 20
"""Of one finding."""


@dataclass(frozen=True, slots=True)
class Client:
    """Who handed the message over, as far as a trusted peer or the socket says so.

    ``address`` is an IP literal or "" for a UNIX socket, ``name`` the verified reverse name or "", ``helo`` the
    HELO/EHLO argument, ``protocol`` "SMTP" or "ESMTP".
    """

    address: str = ""
    port: int = 0
    name: str = ""
    helo: str = ""
    protocol: str = "ESMTP"
    tls: bool = False


@dataclass(frozen=True, slots=True)
class Recipient:
    """One accepted RCPT TO: the path without its angle brackets, and its ESMTP parameters verbatim."""

    address: str
    parameters: str = ""


@dataclass(frozen=True, slots=True)
class Envelope:
    """RFC 5321 §3.3. ``sender`` is "" for the null reverse-path ``<>``; addresses are kept byte for byte
    (UTF-8 with ``surrogateescape``), never normalised."""

    sender: str
    recipients: tuple[Recipient, ...]
    parameters: str = ""
    """ESMTP parameters of MAIL FROM, verbatim, without SIZE's recomputation: ``"SIZE=12 BODY=8BITMIME"``."""


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes ``start`` up to, not including, ``end`` of the message as it was received."""

    start: int
    end: int


def _sentence(detail: str) -> str:
    """With a capital at the start, unless that is no word or the only one, as a name would be."""
    first, blank, _ = detail.partition(" ")
    if not blank or not (first.isascii() and first.isalpha() and first.islower()):
        return detail
    return detail[0].upper() + detail[1:]


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact the scan wants a person to know, trouble included.

    ``where`` is the path of the part (``2/invoice.zip/invoice.docm``; the first element is the MIME part number),
    ``detail`` a sentence for a person, ``reference`` a paragraph of a standard or a rule id, ``excerpt`` a few lines of
    the macro where there is one. ``fingerprint`` names the macro code whatever file it lies in (hex digest of the
    normalised code), ``indicators`` are addresses, paths and commands the code holds, decoded; addresses come first.
    All strings are printable and bounded (``clip``), so are their numbers.
    """

    kind: Kind
    where: str
    detail: str
    verdict: Verdict
    reference: str = ""
    excerpt: str = ""
    fingerprint: str = ""
    indicators: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        kind: Kind,
        where: str,
        detail: str,
        *,
        reference: str = "",
        excerpt: str = "",
        fingerprint: str = "",
        indicators: Iterable[str] = (),
        verdict: Verdict | None = None,
    ) -> Finding:
        """A finding with the verdict its kind usually has, and every string made safe to show. The sentence gets its
        capital here, because those who raise an exception do not know whether something stands before theirs."""
        return cls(
            kind=kind,
            where=clip(where, 500),
            detail=clip(_sentence(detail), 500),
            verdict=USUAL_VERDICT[kind] if verdict is None else verdict,
            reference=clip(reference, 200),
            excerpt=clip(excerpt, 4000, keep="\n\t"),
            fingerprint=clip(fingerprint, 64),
            indicators=tuple(clip(text, 300) for text in islice(indicators, MAX_INDICATORS)),
        )


@dataclass(frozen=True, slots=True)
class Part:
    """One leaf that was looked into. ``where`` as in ``Finding``; ``sha256`` in hex over the decoded bytes."""

    where: str
    type: FileType
    size: int
    sha256: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Headline:
    """What a person recognises a mail by; decoded, printable, bounded. For display only, never for a decision."""

    subject: str = ""
    sender: str = ""
    message_id: str = ""
    date: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The TXT records of a name. ``result`` is ``pass`` when DNS answered, if only that there are none; else
    ``temperror`` or ``permerror``, with the reason. A record is its strings joined, printable ASCII."""

    name: str
    result: AuthResult
    texts: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Signed:
    """One DKIM signature: who signed, and whether it holds. ``mark`` are the first characters of the signature itself
    (RFC 6008), by which two of one domain are told apart; ``reason`` is a sentence, "" for a pass."""

    result: AuthResult
    domain: str = ""
    selector: str = ""
    algorithm: str = ""
    mark: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """How ARC, DMARC or SPF ended, and for which domain: that of the newest seal, of From, of the envelope."""

    result: AuthResult = AuthResult.NONE
    domain: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Authentication:
    """Who answers for a message as it arrived. Everything printable and bounded."""

    dkim: tuple[Signed, ...] = ()
    arc: Checked = Checked()
    instance: int = 0
    """Of the newest ARC set; 0 without one."""
    dmarc: Checked = Checked()
    dmarc_policy: str = ""
    """What the domain of From asks for: ``none``, ``quarantine``, ``reject``; "" if it asks for nothing."""
    spf: Checked = Checked()
    author: str = ""
    """The one mail address in From, claimed unless ``dmarc`` passed; "" where there is none or more than one."""

    @property
    def dkim_result(self) -> AuthResult:
        """All signatures in one word: one that holds is enough (RFC 6376 §6.1), else the first of the others."""
        results = [signed.result for signed in self.dkim] or [AuthResult.NONE]
        return AuthResult.PASS if AuthResult.PASS in results else results[0]

    @classmethod
    def unknown(cls, why: str) -> Authentication:
        """Nothing could be found out this time."""
        failed = Checked(AuthResult.TEMPERROR, reason=clip(why, 200))
        return cls(dkim=(Signed(AuthResult.TEMPERROR, reason=clip(why, 200)),), arc=failed, dmarc=failed, spf=Checked())


@dataclass(frozen=True, slots=True)
class Report:
    """All the scan has to say about one message or file."""

    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    parts: tuple[Part, ...] = ()
    headline: Headline = Headline()
    sha256: str = ""
    """Hex digest of the whole message or file as examined."""
    forged: tuple[Span, ...] = ()
    """Header lines of our own name that came from outside; they are cut out of what is delivered."""
    recalled: int = 0
    """How many documents were answered by the verdict cache."""
    seconds: float = 0.0
    authentication: Authentication | None = None
    """None where it was not asked for."""
    whole: bool = True
    """False where there was more to tell than there is room for: parts or findings that are not clean are left out."""


@dataclass(frozen=True, slots=True)
class Splice:
    """Replace ``span`` of the original by ``replacement``. An empty span inserts."""

    span: Span
    replacement: bytes


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one attachment. ``part`` is its MIME part number; ``action`` is ``DISARM`` or ``STRIP``.

    ``name`` is the file name it had and ``new_name`` the one it has now, both "" where there is none; ``removed`` says
    in words what was taken out of it; ``why`` why it was replaced although it should only have been disarmed.
    """

    part: str
    action: Action
    name: str = ""
    new_name: str = ""
    removed: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class Edits:
    """How what is delivered differs from what arrived: splices in ascending order that do not overlap, and what they
    mean for the attachments."""

    splices: tuple[Splice, ...] = ()
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Excepted:
    """An exception that is about the message, by its id. ``ignored`` is a sentence where it did not count."""

    id: str
    effect: Effect
    ignored: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the policy says. ``rule`` is the id of the rule that matched, ``why`` its title; ``targets`` are the MIME
    part numbers the rule is about (what strip and disarm replace), ``disarm`` those of them that are delivered without
    what runs in them; ``shadow`` the ids of rules on trial that would have matched. ``signed`` is what becomes of a
    message whose signature forbids the change: ``QUARANTINE`` or ``TAG``. ``changes`` is what was done in the end, once
    it is."""

    action: Action
    rule: str
    why: str
    targets: tuple[str, ...] = ()
    shadow: tuple[str, ...] = ()
    subject_prefix: str = ""
    disarm: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    signed: Action = Action.QUARANTINE
    exceptions: tuple[Excepted, ...] = ()
    """What people on duty had said about what is in the message, or about who sent it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One SMTP reply (RFC 5321 §4.2), kept byte for byte. ``lines`` are the texts behind the code, without CRLF."""

    code: int
    lines: tuple[bytes, ...] = (b"",)

    @classmethod
    def of(cls, text: str) -> Reply:
        """``Reply.of("451 4.3.0 Try again")``: one line of our own words."""
        return cls(int(text[:3]), (text[4:].encode("ascii", "replace"),))

    @property
    def wire(self) -> bytes:
        """The bytes to send, CRLF included."""
        code = b"%03d" % self.code
        head = b"".join(code + b"-" + line + b"\r\n" for line in self.lines[:-1])
        return head + code + b" " + self.lines[-1] + b"\r\n"

    @property
    def text(self) -> str:
        """One printable line for logs and people."""
        return clip(f"{self.code} " + " / ".join(line.decode("utf-8", "replace") for line in self.lines), 500)

    @property
    def positive(self) -> bool:
        """2yz: the other side has taken responsibility."""
        return 200 <= self.code <= 299


@dataclass(frozen=True, slots=True)
class Transaction:
    """One message on its way: everything known about it but its content."""

    id: str
    listener: str
    client: Client
    envelope: Envelope
    size: int
    received: datetime
    """UTC."""
    receive_seconds: float = 0.0
    queue_id: str = ""
    """Under which name the MTA has the message already; "" where it gets it from us."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended, for the event line and the counters."""

    transaction: Transaction
    report: Report
    decision: Decision
    reply: Reply
    held_id: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    """Wall-clock seconds by step: ``receive``, ``scan``, ``authenticate``, ``act``, ``seal``, ``keep``, ``deliver``,
    ``total``; those that were taken."""


class ScanFailed(Exception):
    """The jail gave no verdict. ``kind`` is ``timeout``, ``crash`` or ``limit`` (no worker free in time); ``poison``
    says that this content has done so too often for another try to be of use (promise P11), ``signed`` that a signature
    forbids to change it."""

    def __init__(self, kind: Kind, detail: str, *, poison: bool = False, signed: bool = False) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.poison = poison
        self.signed = signed


class KeepFailed(Exception):
    """The quarantine could not make the message durable, so nothing may be promised to anybody."""


def clip(text: str, limit: int, keep: str = "") -> str:
    """``text`` with every unprintable character (but those in ``keep``) shown as ``?`` and cut at ``limit``.

    Mail authors write these strings; a terminal, a log reader and a web page have to survive them.
    """
    cut = text[: limit + 1]
    shown = cut if cut.isprintable() else "".join(c if c.isprintable() or c in keep else "?" for c in cut)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"
