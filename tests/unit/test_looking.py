"""What is sent and shown of a held message is what the workers and the kept bytes say."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import libarchive
import pytest

from gateway.closed_sets import Action, FileType, HeldState, Kind, Verdict
from gateway.desk import ReleaseDesk
from gateway.generation import Generation
from gateway.looking import Looking
from gateway.message import (
    Change,
    Client,
    Decision,
    Edits,
    Envelope,
    Finding,
    Part,
    Recipient,
    Reply,
    Report,
    ScanFailed,
    Span,
    Splice,
)
from gateway.quarantine import Quarantine, QuarantineError
from gateway.quarantine.journal import What
from gateway.readable import Reading, Source
from gateway.spool import Spool
from gateway.web.desk import NotAllowed
from gateway.web.pages import DeskError
from gateway.web.people import Person, Role
from tests.unit.test_events import outcome

ID = "0123456789abcdef"
BYTES = b"Subject: x\r\n\r\nmacro\r\n"
ANN = Person("ann", Role.RELEASER)
FOUND = Finding.of(Kind.VBA_AUTOEXEC, "2/a.docm", "runs")


@dataclass
class Jail:
    """Workers and policy that say what a test wants."""

    report: Report = field(default_factory=lambda: Report(Verdict.AUTOEXEC, (FOUND,)))
    wrong: str = ""

    async def examine(self, content: Spool) -> Report:
        assert content.read() == BYTES
        return self._unless(self.report)

    async def read(self, content: Spool) -> Reading:
        return self._unless(Reading(content.read().decode().partition("\r\n")[0]))

    async def sources(self, content: Spool) -> tuple[Source, ...]:
        return self._unless((Source("2/a.docm", "vba", "Sub AutoOpen()"),))

    async def extract(self, content: Spool, where: str) -> bytes:
        return self._unless(b"the part " + where.encode())

    def _unless(self, answer: Any) -> Any:
        if self.wrong:
            raise ScanFailed(Kind.CRASH, self.wrong)
        return answer

    async def copy(self, transaction: Any, content: Spool, report: Report, decision: Decision, held_id: str) -> Any:
        assert decision.disarm == decision.targets == ("2",)
        edits = Edits((Splice(Span(0, 0), b"X-Macrogate: y\r\n"), Splice(Span(14, 19), b"clean")))
        return edits, replace(decision, changes=(Change("2", Action.DISARM, "a.docm", "a.docx", ("it",)),))

    def decide(self, transaction: Any, report: Report, exceptions: Any) -> Decision:
        return Decision(Action.QUARANTINE, "rule", "why")

    def is_ours(self, address: str) -> bool:
        return address.endswith("@ours.example")


@dataclass
class Desk:
    desk: ReleaseDesk
    quarantine: Quarantine
    jail: Jail
    sent: list[tuple[list[str], bytes]]
    told: list[tuple[str, ...]]

    async def release(self, **how: Any) -> Any:
        return await self.desk.release(ID, by=ANN, why="expected", **({"recipients": None} | how))

    async def entries(self) -> list[tuple[What, str, str]]:
        return [(e.what, e.why, e.detail) for e in (await self.quarantine.get(ID)).journal.entries[1:]]


@asynccontextmanager
async def desk_of(tmp_path: Path) -> AsyncIterator[Desk]:
    quarantine = await Quarantine.open(
        f"sqlite://{tmp_path}/q.db", f"file://{tmp_path}/m", exclusive=True, two_person=False
    )
    jail, sent = Jail(), []

    async def deliver(envelope: Envelope, client: Client, content: Iterable[bytes]) -> list[Reply]:
        sent.append(([one.address for one in envelope.recipients], b"".join(content)))
        return [Reply.of("250 ok")] * len(envelope.recipients)

    @asynccontextmanager
    async def way() -> AsyncIterator[Any]:
        yield deliver

    one = outcome()
    envelope = replace(one.transaction.envelope, recipients=(Recipient("a@example.com"), Recipient("b@example.com")))
    transaction, content = replace(one.transaction, envelope=envelope), Spool.of(BYTES)
    decision = Decision(Action.QUARANTINE, "rule", "why")
    await quarantine.keep(ID, transaction, content, Report(Verdict.SUSPICIOUS, (FOUND,)), decision)
    generation = SimpleNamespace(
        workers=SimpleNamespace(thing=jail), policy=jail, pipeline=jail, exceptions=lambda: None
    )
    look = Looking(quarantine, lambda: cast(Generation, generation))
    told: list[tuple[str, ...]] = []
    desk = ReleaseDesk(
        quarantine, way, cast(Any, None), cast(Any, None), look, lambda *step: told.append(step), cast(Any, None)
    )
    try:
        yield Desk(desk, quarantine, jail, sent, told)
    finally:
        content.close()
        await quarantine.close()


async def test_a_disarmed_copy_is_sent_and_the_original_stays_held(tmp_path: Path) -> None:
    async with desk_of(tmp_path) as at:
        replies = await at.release(disarmed=True, recipients=["a@example.com"])
        assert replies == (("a@example.com", "250 ok"),)
        assert at.sent == [(["a@example.com"], b"X-Macrogate: y\r\nSubject: x\r\n\r\nclean\r\n")]
        held = await at.quarantine.get(ID)
        assert held.message.state is HeldState.HELD
        assert not any(recipient.delivered for recipient in held.message.recipients)
        assert await at.entries() == [
            (What.RELEASE_BEGUN, "expected (a copy: a.docm disarmed)", "a disarmed copy to a@example.com"),
            (What.COPIED, "expected (a copy: a.docm disarmed)", "a@example.com: 250 ok"),
        ]


async def test_an_original_is_judged_by_todays_rules_first(tmp_path: Path) -> None:
    async with desk_of(tmp_path) as at:
        with pytest.raises(DeskError, match="Today's rules say autoexec, which is worse"):
            await at.release()
        assert at.sent == []
        assert await at.entries() == []
        await at.release(known="autoexec")
        assert at.sent == [(["a@example.com", "b@example.com"], BYTES)]
        assert (await at.entries())[0][1] == "expected (today's rules: autoexec)"
        assert (await at.quarantine.get(ID)).message.state is HeldState.RELEASED


async def test_an_approval_is_for_the_verdict_that_was_seen(tmp_path: Path) -> None:
    al, bob = Person("al", Role.ANALYST), Person("bob", Role.RELEASER)
    async with desk_of(tmp_path) as at:
        await at.desk.request_release(ID, by=al, why="expected", recipients=None)
        asked = at.desk.request_on(await at.desk.get(ID))
        assert asked is not None
        for known in ("", "macro", "nonsense"):
            with pytest.raises(DeskError, match="Today's rules say autoexec, which is worse"):
                await at.desk.approve(ID, asked.number, by=bob, why="known", known=known)
        assert at.sent == []
        await at.desk.approve(ID, asked.number, by=bob, why="known", known="autoexec")
        assert at.sent == [(["a@example.com", "b@example.com"], BYTES)]


async def test_without_a_verdict_an_original_may_go_and_a_copy_may_not(tmp_path: Path) -> None:
    async with desk_of(tmp_path) as at:
        at.jail.wrong = "a worker died"
        with pytest.raises(DeskError, match="could not be looked into: a worker died"):
            await at.release(disarmed=True)
        outlook = await at.desk.look.outlook(ID)
        assert (outlook.trouble, outlook.no_copy) == ("a worker died", "today's scan gave no verdict")
        await at.release()
        assert at.sent[0][1] == BYTES


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("x@elsewhere.example", "at none of your domains"),
        ("x@example.com.evil.test", "at none of your domains"),
        ("x@example.com\r\nRCPT TO:<y@evil.test>", "no mail address"),
        ("<x@example.com>", "no mail address"),
        ("@evil.test:x@example.com", "no mail address"),
        ("x@evil.test@example.com", "no mail address"),
        ("", "no mail address"),
    ],
)
async def test_a_copy_goes_to_our_own_people_only(tmp_path: Path, address: str, sentence: str) -> None:
    async with desk_of(tmp_path) as at:
        with pytest.raises(DeskError, match=sentence):
            await at.release(to=[address], known="autoexec")
        assert at.sent == []


async def test_a_copy_to_another_address_of_ours(tmp_path: Path) -> None:
    async with desk_of(tmp_path) as at:
        for address in ("soc@EXAMPLE.com", "soc@ours.example"):
            await at.release(to=[address], disarmed=True)
        assert [to for to, _ in at.sent] == [["soc@EXAMPLE.com"], ["soc@ours.example"]]
        assert (await at.quarantine.get(ID)).message.state is HeldState.HELD


async def test_the_outlook_tells_what_changed_since(tmp_path: Path) -> None:
    async with desk_of(tmp_path) as at:
        outlook = await at.desk.look.outlook(ID)
        assert (outlook.verdict, outlook.worse, outlook.changes[0].name) == ("autoexec", True, "a.docm")
        at.jail.report = Report(Verdict.CLEAN)
        outlook = await at.desk.look.outlook(ID)
        assert (outlook.verdict, outlook.worse) == ("clean", False)
        assert "not in a single attachment" in outlook.no_copy


async def test_the_bytes_as_they_are_are_noted_as_well(tmp_path: Path) -> None:
    async with desk_of(tmp_path) as at:
        with pytest.raises(NotAllowed):
            await at.desk.open_message(ID, by=Person("vic", Role.VIEWER, "api"), why="x")
        assert await at.entries() == []
        with await at.desk.open_message(ID, by=Person("al", Role.ANALYST, "api"), why="ticket 7") as message:
            assert await at.entries() == [(What.DOWNLOADED, "ticket 7", "the whole message, not in a zip")]
            assert message.read() == BYTES
        assert (await at.quarantine.get(ID)).journal.entries[-1].who == "al (api)"


async def test_bytes_that_cannot_be_noted_are_not_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk_of(tmp_path) as at:
        given: list[Any] = []
        open_message = at.quarantine.open_message

        async def opened(held_id: str) -> Any:
            given.append(await open_message(held_id))
            return given[-1]

        async def full(*_: Any, **__: Any) -> None:
            raise QuarantineError("The disk is full")

        monkeypatch.setattr(at.quarantine, "open_message", opened)
        monkeypatch.setattr(at.quarantine, "note_download", full)
        with pytest.raises(DeskError, match="The disk is full"):
            await at.desk.open_message(ID, by=ANN, why="x")
        assert [message.closed for message in given] == [True]


async def test_a_download_is_noted_before_it_begins(tmp_path: Path) -> None:
    async with desk_of(tmp_path) as at:
        look = at.desk.look
        with pytest.raises(NotAllowed):
            await look.download(ID, by=Person("vic", Role.VIEWER), why="x")
        for where, name, content in (("", f"{ID}.eml", BYTES), ("2/a.docm", f"{ID}-", b"the part 2/a.docm")):
            file = await look.download(ID, by=ANN, why="to see", where=where)
            assert (await at.entries())[-1][0] is What.DOWNLOADED
            whole = b"".join(file.chunks)
            assert len(whole) == file.size
            with libarchive.memory_reader(whole, passphrase="infected") as archive:
                ((inside, found),) = [(entry.pathname, b"".join(entry.get_blocks())) for entry in archive]
            assert inside.startswith(name)
            assert found == content


async def test_what_is_dropped_on_the_way_is_closed(tmp_path: Path) -> None:
    async with desk_of(tmp_path) as at:
        file = await at.desk.look.download(ID, by=ANN, why="to see")
        next(file.chunks)
        file.chunks.close()  # type: ignore[attr-defined]
        assert (await at.desk.look.read(ID)).header == "Subject: x"
        with pytest.raises(DeskError):
            await at.desk.look.read("f" * 16)


async def test_others_with_the_same_macro_or_sender_are_found(tmp_path: Path) -> None:
    async with desk_of(tmp_path) as at:
        one = outcome()
        macro = Finding.of(Kind.VBA_AUTOEXEC, "2/b.docm", "runs", fingerprint="cd" * 32)
        envelope = one.transaction.envelope
        for number, (sender, finding) in enumerate([("s@x", macro), ("s@x", FOUND), ("t@x", macro), ("us@x", FOUND)]):
            transaction = replace(one.transaction, envelope=replace(envelope, sender=sender))
            report = Report(Verdict.AUTOEXEC, (finding,))
            content = Spool.of(BYTES + bytes([number]))
            await at.quarantine.keep(f"{number:016x}", transaction, content, report, one.decision)
        found = await at.desk.look.similar("0" * 16)
        assert [(other.message.id[-1], other.common) for other in found] == [("2", "same macro"), ("1", "same sender")]
        assert await at.desk.look.similar("0" * 15 + "3") == ()


async def test_others_with_the_same_file_are_found(tmp_path: Path) -> None:
    async with desk_of(tmp_path) as at:
        one = outcome()
        file = Part("2/a.docm", FileType.DOCM, 9, "ab" * 32, Verdict.AUTOEXEC)
        logo = Part("1/logo.png", FileType.DOCM, 9, "cd" * 32, Verdict.CLEAN)
        for number, parts in enumerate([(file, logo, file), (logo,), (file,)]):
            transaction = replace(one.transaction, envelope=replace(one.transaction.envelope, sender=f"s{number}@x"))
            report = Report(Verdict.AUTOEXEC, (FOUND,), parts)
            with contextlib.closing(Spool.of(BYTES + bytes([number]))) as content:
                await at.quarantine.keep(f"{number:016x}", transaction, content, report, one.decision)
        found = await at.desk.look.similar("0" * 16)
        assert [(other.message.id[-1], other.common) for other in found] == [("2", "same file")]
