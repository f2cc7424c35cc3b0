"""The life of one message, step by step, with every step played by hand: what is promised, and to whom, and when."""

import asyncio
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import cast

import pytest

from gateway.closed_sets import Action, AuthResult, Kind, Verdict
from gateway.events import MailLog
from gateway.message import (
    Authentication,
    Change,
    Client,
    Decision,
    Edits,
    Envelope,
    Finding,
    KeepFailed,
    Recipient,
    Reply,
    Report,
    ScanFailed,
    Signed,
    Span,
    Splice,
    Transaction,
)
from gateway.metrics import Metrics
from gateway.pipeline import CANNOT_KEEP, CANNOT_SCAN, DEFERRED, TOO_SLOW, Deliver, Pipeline
from gateway.policy import NO_EXCEPTIONS, Exceptions, Policy
from gateway.spool import Spool

MESSAGE = b"X-Macrogate: verdict=clean\r\nSubject: x\r\n\r\nbody\r\n"
FORGED = Span(0, 28)
TRANSACTION = Transaction(
    id="T1",
    listener="smtp",
    client=Client(address="192.0.2.1"),
    envelope=Envelope("a@example.org", (Recipient("b@example.net"),)),
    size=len(MESSAGE),
    received=datetime(2026, 1, 1, tzinfo=UTC),
    receive_seconds=0.5,
)
CLEAN = Report(Verdict.CLEAN)
ARMED = Report(Verdict.AUTOEXEC, (Finding.of(Kind.VBA_AUTOEXEC, "2/a.docm", "Sub AutoOpen"),), forged=(FORGED,))


@dataclass
class Stage:
    """Scanner, policy, keeper and next hop in one, with a diary of who was called in which order."""

    report: Report = CLEAN
    decision: Decision = field(default_factory=lambda: Decision(Action.DELIVER, "default", "nothing against it"))
    reply: Reply = field(default_factory=lambda: Reply.of("250 2.0.0 queued as Q"))
    scan_fails: ScanFailed | None = None
    rewrite_fails: ScanFailed | None = None
    keep_fails: bool = False
    edits: Edits = field(default_factory=Edits)
    on_failure: Action = Action.DEFER
    hold: Deliver | None = None
    diary: list[str] = field(default_factory=list)
    delivered: bytes = b""
    log: io.StringIO = field(default_factory=io.StringIO)
    metrics: Metrics = field(default_factory=Metrics)

    async def examine(self, content: Spool) -> Report:
        self.diary.append("scan")
        if self.scan_fails:
            raise self.scan_fails
        return self.report

    async def rewrite(self, content: Spool, decision: Decision, held_id: str, link: str) -> Edits:
        self.diary.append("act")
        if self.rewrite_fails:
            raise self.rewrite_fails
        return self.edits

    def decide(self, transaction: Transaction, report: Report, exceptions: Exceptions) -> Decision:
        assert exceptions is NO_EXCEPTIONS
        self.diary.append("decide")
        return self.decision

    async def keep(
        self, held_id: str, transaction: Transaction, content: Spool, report: Report, decision: Decision
    ) -> None:
        self.diary.append("keep")
        if self.keep_fails:
            raise KeepFailed("No space left on device")

    async def withdraw(self, held_id: str, why: str) -> None:
        self.diary.append(f"withdraw: {why}")

    async def deliver(self, edits: Edits) -> Reply:
        self.diary.append("deliver")
        self.delivered = b"".join(Spool.of(MESSAGE).chunks(edits))
        return self.reply

    async def play(self) -> Reply:
        pipeline = Pipeline(self, cast(Policy, self), self, MailLog(self.log), self.metrics, self.on_failure)
        return await pipeline.process(TRANSACTION, Spool.of(MESSAGE), self.deliver, self.hold)

    @property
    def event(self) -> dict[str, object]:
        (line,) = [line for line in self.log.getvalue().splitlines() if json.loads(line)["event"] == "message"]
        return cast(dict[str, object], json.loads(line))


def decided(action: Action, **more: str) -> Decision:
    return Decision(action, "rule-1", "because", targets=("2",), **more)  # type: ignore[arg-type]


async def test_a_clean_message_gets_the_next_hops_own_words_and_one_header() -> None:
    stage = Stage()
    reply = await stage.play()

    assert reply.wire == b"250 2.0.0 queued as Q\r\n"
    assert stage.diary == ["scan", "decide", "deliver"]
    header, _, below = stage.delivered.partition(b"\r\n")
    assert header == b"X-Macrogate: verdict=clean; action=deliver; rule=default; id=T1"
    assert below == MESSAGE
    assert stage.event["reply"] == "250 2.0.0 queued as Q"


async def test_our_word_cannot_be_forged() -> None:
    stage = Stage(report=ARMED)
    await stage.play()

    assert stage.delivered.count(b"X-Macrogate") == 1
    assert stage.delivered.endswith(b"id=T1\r\n" + MESSAGE[FORGED.end :])


async def test_quarantine_says_250_only_after_it_is_kept_and_delivers_nothing() -> None:
    stage = Stage(report=ARMED, decision=decided(Action.QUARANTINE))
    reply = await stage.play()

    assert stage.diary == ["scan", "decide", "keep"]
    assert reply.code == 250
    assert stage.event["held"] in reply.text
    assert stage.event["held"]


async def test_a_quarantine_that_cannot_store_promises_nothing() -> None:
    stage = Stage(report=ARMED, decision=decided(Action.QUARANTINE), keep_fails=True)

    assert await stage.play() == CANNOT_KEEP
    assert stage.event["held"] == ""
    assert "keep-failed" in stage.log.getvalue()


@pytest.mark.parametrize("fails", [False, True])
async def test_an_mta_with_a_quarantine_of_its_own_gets_what_is_held_and_nothing_else(fails: bool) -> None:
    held: list[bytes] = []

    async def hold(edits: Edits) -> Reply:
        held.append(b"".join(Spool.of(MESSAGE).chunks(edits)))
        return Reply.of("250 2.0.0 on hold")

    failure = ScanFailed(Kind.CRASH, "no notice") if fails else None
    decision = decided(Action.STRIP if fails else Action.QUARANTINE)
    stage = Stage(report=ARMED, decision=decision, hold=hold, rewrite_fails=failure)
    assert (await stage.play()).text == "250 2.0.0 on hold"
    assert stage.diary == ["scan", "decide", "act"][: 3 if fails else 2]
    assert b"action=quarantine" in held[0]
    assert b"held=" not in held[0]
    assert (stage.event["action"], stage.event["held"]) == ("quarantine", "")
    clean = Stage(hold=hold)
    assert (await clean.play()).positive
    assert len(held) == 1
    assert clean.diary[-1] == "deliver"


async def test_strip_keeps_the_original_before_it_delivers_the_changed_copy() -> None:
    start = MESSAGE.index(b"body")
    edits = Edits((Splice(Span(start, start + 4), b"notice"),))
    stage = Stage(report=ARMED, decision=decided(Action.STRIP), edits=edits)
    await stage.play()

    assert stage.diary == ["scan", "decide", "act", "keep", "deliver"]
    assert stage.delivered.endswith(b"Subject: x\r\n\r\nnotice\r\n")


async def test_a_stripped_copy_that_is_refused_leaves_a_note_and_the_next_hops_reply() -> None:
    stage = Stage(report=ARMED, decision=decided(Action.STRIP), reply=Reply.of("452 4.2.2 mailbox full"))

    assert (await stage.play()).code == 452
    assert stage.diary[-1] == "withdraw: the next hop refused the changed copy: 452 4.2.2 mailbox full"


async def test_nothing_is_delivered_when_the_original_of_a_strip_cannot_be_kept() -> None:
    stage = Stage(report=ARMED, decision=decided(Action.STRIP), keep_fails=True)

    assert await stage.play() == CANNOT_KEEP
    assert "deliver" not in stage.diary


@pytest.mark.parametrize(
    ("signed", "diary", "action"),
    [
        (Action.TAG, ["scan", "decide", "act", "deliver"], "tag"),
        (Action.QUARANTINE, ["scan", "decide", "act", "keep"], "quarantine"),
    ],
)
async def test_what_a_signature_forbids_to_change_is_tagged_only_where_the_policy_says_so(
    signed: Action, diary: list[str], action: str
) -> None:
    decision = replace(decided(Action.DISARM), signed=signed)
    sealed = ScanFailed(Kind.CRASH, "part 2.1 is inside a multipart/signed", signed=True)
    stage = Stage(report=ARMED, decision=decision, rewrite_fails=sealed)
    await stage.play()
    assert (stage.diary, stage.event["action"]) == (diary, action)
    assert "multipart/signed" in str(stage.event["why"])


async def test_any_other_failure_is_held_even_where_signed_mail_is_tagged() -> None:
    decision = replace(decided(Action.DISARM), signed=Action.TAG)
    stage = Stage(report=ARMED, decision=decision, rewrite_fails=ScanFailed(Kind.CRASH, "worker died"))
    await stage.play()
    assert stage.event["action"] == "quarantine"


@pytest.mark.parametrize("action", [Action.STRIP, Action.DISARM])
async def test_a_rewrite_that_fails_holds_the_message_and_never_passes_the_original(action: Action) -> None:
    stage = Stage(report=ARMED, decision=decided(action), rewrite_fails=ScanFailed(Kind.CRASH, "worker died"))
    reply = await stage.play()

    assert stage.diary == ["scan", "decide", "act", "keep"]
    assert reply.code == 250
    assert stage.event["action"] == "quarantine"
    assert "not rewritten: worker died" in str(stage.event["why"])


async def test_what_was_done_is_told_and_one_replaced_part_makes_a_disarm_a_strip() -> None:
    disarmed = Change("2", Action.DISARM, "a.docm", "a.docx", ("its macros",))
    replaced = Change("3", Action.STRIP, "b.docm", why="it is odd")
    for changes, action in (((disarmed,), "disarm"), ((disarmed, replaced), "strip")):
        stage = Stage(report=ARMED, decision=decided(Action.DISARM), edits=Edits(changes=changes))
        await stage.play()
        assert stage.diary == ["scan", "decide", "act", "keep", "deliver"]
        assert stage.event["action"] == action
        assert f"action={action};".encode() in stage.delivered
        assert [told["part"] for told in stage.event["changes"]] == [change.part for change in changes]  # type: ignore[attr-defined]


async def test_a_tag_without_a_prefix_needs_no_worker() -> None:
    stage = Stage(decision=decided(Action.TAG))
    await stage.play()

    assert stage.diary == ["scan", "decide", "deliver"]
    assert stage.delivered.startswith(b"X-Macrogate: verdict=clean; action=tag; rule=rule-1; id=T1\r\n")


async def test_a_tag_with_a_prefix_changes_the_subject() -> None:
    where = MESSAGE.index(b"x\r\n\r\n")
    edits = Edits((Splice(Span(where, where), b"[macro] "),))
    stage = Stage(decision=decided(Action.TAG, subject_prefix="[macro]"), edits=edits)
    await stage.play()

    assert b"Subject: [macro] x\r\n" in stage.delivered


@pytest.mark.parametrize(
    ("action", "code", "words"),
    [(Action.REJECT, 550, b"5.7.1"), (Action.DEFER, 451, b"4.7.1")],
)
async def test_refusals_touch_neither_quarantine_nor_next_hop(action: Action, code: int, words: bytes) -> None:
    stage = Stage(report=ARMED, decision=decided(action))
    reply = await stage.play()

    assert stage.diary == ["scan", "decide"]
    assert reply.code == code
    assert reply.wire.startswith(b"%d %s " % (code, words))
    assert action is Action.DEFER or b"(T1)" in reply.wire


async def test_no_verdict_is_never_a_pass() -> None:
    stage = Stage(scan_fails=ScanFailed(Kind.TIMEOUT, "over 20 s"))

    assert await stage.play() == CANNOT_SCAN
    assert stage.diary == ["scan"]
    assert stage.event["action"] == "defer"
    assert CANNOT_SCAN != DEFERRED


async def test_poison_is_judged_as_unscannable() -> None:
    seen: list[Report] = []
    stage = Stage(scan_fails=ScanFailed(Kind.CRASH, "three times", poison=True), decision=decided(Action.QUARANTINE))
    keep: Callable[..., object] = stage.keep

    async def remember(*arguments: object) -> None:
        seen.append(cast(Report, arguments[3]))
        await keep(*arguments)  # type: ignore[misc]

    stage.keep = remember  # type: ignore[method-assign]

    assert (await stage.play()).code == 250
    assert seen[0].verdict is Verdict.UNSCANNABLE
    assert seen[0].findings[0].kind is Kind.CRASH


@pytest.mark.parametrize(
    ("setting", "diary"),
    [(Action.QUARANTINE, ["scan", "keep"]), (Action.DELIVER, ["scan", "decide", "deliver"])],
)
async def test_failing_otherwise_is_written_down_by_the_admin(setting: Action, diary: list[str]) -> None:
    failure = ScanFailed(Kind.CRASH, "worker died")
    stage = Stage(scan_fails=failure, on_failure=setting)
    await stage.play()

    assert stage.diary == diary
    if setting is Action.DELIVER:
        assert b"X-Macrogate: verdict=unscannable; action=deliver; rule=on-failure" in stage.delivered


async def test_the_outcome_is_counted_and_timed() -> None:
    stage = Stage()
    await stage.play()
    sample = stage.metrics.registry.get_sample_value

    assert sample("macrogate_messages_total", {"listener": "smtp", "action": "deliver"}) == 1
    assert sample("macrogate_message_bytes_total") == len(MESSAGE)
    seconds = cast(dict[str, float], stage.event["seconds"])
    assert list(seconds) == ["receive", "scan", "deliver", "total"]
    assert seconds["receive"] == 0.5
    assert seconds["total"] >= 0.5


class Broken:
    """Metrics or a log with a bug: whatever is asked of it, it raises."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        def broken(*_: object, **__: object) -> None:
            raise RuntimeError(f"{name} is broken")

        return broken


@pytest.mark.parametrize("broken", ["events", "metrics"])
@pytest.mark.parametrize("action", [Action.DELIVER, Action.QUARANTINE])
async def test_what_is_delivered_or_kept_stays_so_when_it_cannot_be_recorded(broken: str, action: Action) -> None:
    stage = Stage(report=ARMED, decision=decided(action))
    parts: dict[str, object] = {"events": MailLog(stage.log), "metrics": stage.metrics, broken: Broken()}
    pipeline = Pipeline(stage, cast(Policy, stage), stage, **parts)  # type: ignore[arg-type]

    assert (await pipeline.process(TRANSACTION, Spool.of(MESSAGE), stage.deliver)).code == 250


async def test_a_note_that_cannot_be_made_does_not_change_the_next_hops_reply() -> None:
    stage = Stage(report=ARMED, decision=decided(Action.STRIP), reply=Reply.of("550 5.7.1 no"))

    async def withdraw(held_id: str, why: str) -> None:
        raise RuntimeError("a bug")

    stage.withdraw = withdraw  # type: ignore[method-assign]

    assert (await stage.play()).code == 550


async def test_an_answer_comes_before_the_client_gives_up_and_the_delivery_ends() -> None:
    stage = Stage()
    ended: list[str] = []

    async def never(edits: Edits) -> Reply:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("delivery")
        raise AssertionError

    pipeline = Pipeline(stage, cast(Policy, stage), stage, MailLog(stage.log), stage.metrics, answer_within=0.01)

    assert await pipeline.process(TRANSACTION, Spool.of(MESSAGE), never) == TOO_SLOW
    assert ended == ["delivery"]
    assert stage.event["reply"] == TOO_SLOW.text


@dataclass
class Vouching:
    """An authenticator and a sealer."""

    stage: Stage
    broken: bool = False
    sealed: list[bytes] = field(default_factory=list)

    async def verify(self, content: Spool) -> Authentication:
        return Authentication((Signed(AuthResult.PASS, "example.org"),))

    def stamp(self, found: Authentication) -> bytes:
        return f"Results: {found.dkim_result}\r\n".encode()

    async def seal(self, content: Spool, edits: Edits, found: Authentication | None) -> bytes:
        if self.broken:
            raise RuntimeError("no key")
        self.sealed.append(b"".join(content.chunks(edits)))
        return b"Seal: x\r\n"

    async def play(self) -> Reply:
        stage = self.stage
        pipeline = Pipeline(
            stage, cast(Policy, stage), stage, MailLog(stage.log), stage.metrics, authenticator=self, sealer=self
        )
        return await pipeline.process(TRANSACTION, Spool.of(MESSAGE), stage.deliver)


async def test_who_signed_is_told_on_top_and_an_unchanged_message_needs_no_seal() -> None:
    vouching = Vouching(Stage())
    assert (await vouching.play()).code == 250
    ours, results, rest = vouching.stage.delivered.split(b"\r\n", 2)
    assert (ours[:12], results, rest) == (b"X-Macrogate:", b"Results: pass", MESSAGE)
    assert vouching.stage.event["dkim"] == "pass"
    assert not vouching.sealed


@pytest.mark.parametrize("broken", [False, True])
async def test_a_changed_message_is_sealed_and_a_seal_that_fails_costs_no_mail(broken: bool) -> None:
    edits = Edits((Splice(Span(len(MESSAGE) - 6, len(MESSAGE)), b"gone\r\n"),))
    vouching = Vouching(Stage(report=ARMED, decision=decided(Action.STRIP), edits=edits), broken)
    assert (await vouching.play()).code == 250
    _, _, below = vouching.stage.delivered.partition(b"\r\n")
    seal = b"" if broken else b"Seal: x\r\n"
    assert below == seal + b"Results: pass\r\n" + MESSAGE[FORGED.end : -6] + b"gone\r\n"
    assert vouching.sealed == ([] if broken else [vouching.stage.delivered.replace(seal, b"")])
    assert ("not-sealed" in vouching.stage.log.getvalue()) is broken
