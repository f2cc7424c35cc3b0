"""One MTA and its messages: what is scanned, what is answered, and what is forgotten."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.message import Edits, Reply, Span, Splice, Transaction
from gateway.milter.server import Patience
from gateway.spool import Spool
from tests.stubs import mta
from tests.unit.milter.fakes import HEADER, HELD, Deliver, World, stage, until

MESSAGE = b"Subject:  two blanks\r\nX-Folded: a\r\n\tb\r\nX-Odd:x\r\n\r\nline\r\n\r\n.dot\r\n\x80\xff\r\n"


@pytest.fixture
def at(tmp_path: Path) -> str:
    return f"unix:{tmp_path}/milter.sock"


async def test_a_message_is_scanned_as_it_is_and_gets_our_line_on_top(at: str) -> None:
    world = World()
    async with stage(world, at) as running:
        letter, _, copy = await (await running.mta()).send(MESSAGE)
    assert letter == b"a"
    assert copy.below_own == b"X-Macrogate: verdict=clean\r\n" + MESSAGE
    assert not copy.replaced
    assert world.contents == [MESSAGE]
    (transaction,) = world.transactions
    assert transaction.listener == "milter"
    assert (transaction.client.address, transaction.client.port) == ("192.0.2.7", 4711)
    assert (transaction.client.name, transaction.client.helo) == ("client.test", "helo.test")
    assert transaction.envelope.sender == "sender@outside.test"
    assert transaction.envelope.parameters == "SIZE=100"
    assert [recipient.address for recipient in transaction.envelope.recipients] == ["alice@example.com"]
    assert transaction.queue_id == "4XYZ"
    assert transaction.size == len(MESSAGE)


async def test_a_held_message_is_discarded_by_the_mta(at: str) -> None:
    async def hold(transaction: Transaction, content: Spool, deliver: Deliver) -> Reply:
        return HELD

    async with stage(World(verdict=hold), at) as running:
        letter, _, copy = await (await running.mta()).send(MESSAGE)
    assert letter == b"d"
    assert copy.below_own == MESSAGE


async def test_a_message_can_go_on_hold_at_the_mta_instead(at: str) -> None:
    async def hold(transaction: Transaction, content: Spool, deliver: Deliver) -> Reply:
        return await deliver(HEADER)

    async with stage(World(verdict=hold), at, hold=True) as running:
        one = await running.mta()
        letter, _, copy = await one.send(MESSAGE)
    assert (letter, one.held) == (b"a", b"Held by Macrogate\0")
    assert copy.below_own == b"X-Macrogate: verdict=clean\r\n" + MESSAGE


@pytest.mark.parametrize("words", ["550 5.7.1 Refused (1 %)", "451 4.3.0 Not now", "452 4.3.1 No room"])
async def test_a_refusal_keeps_its_words(at: str, words: str) -> None:
    async def refuse(transaction: Transaction, content: Spool, deliver: Deliver) -> Reply:
        return Reply.of(words)

    async with stage(World(verdict=refuse), at) as running:
        letter, payload, _ = await (await running.mta()).send(MESSAGE)
    assert (letter, payload) == (b"y", words.replace("%", "%%").encode() + b"\0")


async def test_a_bug_in_the_pipeline_puts_the_message_off(at: str) -> None:
    async def fail(transaction: Transaction, content: Spool, deliver: Deliver) -> Reply:
        raise ZeroDivisionError

    world = World(verdict=fail)
    async with stage(world, at) as running:
        letter, payload, _ = await (await running.mta()).send(MESSAGE)
    assert letter == b"y"
    assert payload.startswith(b"451 4.3.0 ")
    assert world.events("message-error")


async def test_a_change_that_cannot_be_said_puts_the_message_off(at: str) -> None:
    async def change(transaction: Transaction, content: Spool, deliver: Deliver) -> Reply:
        return await deliver(Edits((Splice(Span(3, 3), b"\r\n"),)))

    world = World(verdict=change)
    async with stage(world, at) as running:
        letter, payload, copy = await (await running.mta()).send(MESSAGE)
    assert (letter, payload[:3]) == (b"y", b"451")
    assert copy.below_own == MESSAGE
    assert world.events("milter-untranslatable")


async def test_a_delivery_that_was_broken_off_is_never_accepted(at: str) -> None:
    """The pipeline's own deadline cancels it; what the MTA was told by then must come to nothing."""

    async def too_slow(transaction: Transaction, content: Spool, deliver: Deliver) -> Reply:
        assert (await deliver(HEADER)).positive
        return Reply.of("451 4.4.2 The message could not be delivered in time")

    async with stage(World(verdict=too_slow), at) as running:
        letter, payload, _ = await (await running.mta()).send(MESSAGE)
    assert (letter, payload[:3]) == (b"y", b"451")


async def test_many_messages_on_one_connection_have_nothing_of_each_other(at: str) -> None:
    async def judge(transaction: Transaction, content: Spool, deliver: Deliver) -> Reply:
        return HELD if b"bad" in content.read() else await deliver(HEADER)

    world = World(verdict=judge)
    async with stage(world, at) as running:
        one = await running.mta()
        letters = [(await one.send(f"Subject: {word}\r\n\r\n{word}\r\n".encode()))[0] for word in ("bad", "good") * 5]
        one.say(mta.packet(b"A") + mta.envelope(b"other@outside.test"))
        await one.hear()
        one.say(mta.packet(b"L", mta.texts(b"Subject", b" bad")) + mta.packet(b"A"))
        await one.envelope(b"bob@example.com", sender=b"")
        assert (await one.verdict(b"Subject: last\r\n\r\n"))[0] == b"a"
        one.say(mta.packet(b"K") + mta.client(b"unknown", b"IPv6:2001:db8::1", 0, b"6"))
        await one.send(b"\r\nno header\r\n")
        one.say(mta.packet(b"Q"))
        assert await one.hung_up()
    assert letters == [b"d", b"a"] * 5
    last, after = world.transactions[-2:]
    assert world.contents[-2:] == [b"Subject: last\r\n\r\n", b"\r\nno header\r\n"]
    assert (last.envelope.sender, last.envelope.recipients[0].address) == ("", "bob@example.com")
    assert (after.client.address, after.client.name, after.client.helo) == ("2001:db8::1", "", "")
    assert len({transaction.id for transaction in world.transactions}) == 12
    assert world.ended("quit") == 1


async def test_tls_is_known_by_its_macro(at: str) -> None:
    world = World()
    async with stage(world, at) as running:
        one = await running.mta()
        await one.send(MESSAGE)
        one.say(mta.packet(b"D", b"M" + mta.texts(b"{tls_version}", b"TLSv1.3")))
        await one.send(MESSAGE)
    assert [transaction.client.tls for transaction in world.transactions] == [False, True]


async def test_each_message_has_one_configuration_and_the_next_has_the_new_one(at: str) -> None:
    old = World()
    async with stage(old, at) as running:
        one = await running.mta()
        await one.envelope(b"alice@example.com")
        old.successor = new = World()
        await one.verdict(MESSAGE)
        await one.send(MESSAGE)
    assert (len(old.transactions), len(new.transactions)) == (1, 1)


async def test_a_recipient_under_another_policy_has_to_come_separately(at: str) -> None:
    world = World(classes={"boss@example.com": "other"})
    async with stage(world, at, max_recipients=2) as running:
        one = await running.mta()
        answers = await one.envelope(
            b"alice@example.com", b"boss@example.com", b"bob@example.com", b"carol@example.com"
        )
        await one.verdict(MESSAGE)
    assert [letter for letter, _ in answers] == [b"c", b"y", b"c", b"y"]
    assert answers[1][1].startswith(b"452 4.5.3 This recipient is under another policy")
    assert answers[3][1].startswith(b"452 4.5.3 Too many recipients")
    assert len(world.transactions[0].envelope.recipients) == 2


async def test_mail_that_did_not_come_by_smtp_keeps_all_its_recipients(at: str) -> None:
    """Postfix cannot refuse one recipient of a local submission (MILTER_README)."""
    world = World(classes={"boss@example.com": "other"})
    async with stage(world, at) as running:
        one = await running.mta()
        one.say(mta.packet(b"K") + mta.client(b"localhost", b"127.0.0.1", 0))
        answers = await one.envelope(b"alice@example.com", b"boss@example.com")
    assert [letter for letter, _ in answers] == [b"c", b"c"]


async def test_what_is_too_big_or_holds_nul_or_finds_no_room_is_refused_at_its_end(at: str) -> None:
    class Full(Spool):
        def write(self, data: bytes | bytearray | memoryview) -> None:
            raise OSError(28, "No space left on device")

    def none() -> Spool:
        raise OSError(24, "Too many open files")

    world = World()
    async with stage(world, at, max_message_size=100_000) as running:
        one = await running.mta()
        for message, words in [
            (b"A: b\r\n\r\n" + b"x" * 200_000, b"552 5.3.4 Message size"),
            (b"A: b\r\n" * 17_000 + b"\r\n", b"552 5.3.4 Message size"),
            (b"A: b\r\n\r\na\0b\r\n", b"554 5.6.0 "),
        ]:
            letter, payload, _ = await one.send(message)
            assert letter == b"y"
            assert payload.startswith(words)
        for spool in (Full, none):
            world.spool = spool
            assert (await one.send(MESSAGE))[1].startswith(b"452 4.3.1 ")
        world.spool = Spool
        assert (await one.send(MESSAGE))[0] == b"a"
    assert len(world.transactions) == 1
    assert len(world.events("spool-failed")) == 2


async def test_a_header_section_has_a_limit(at: str) -> None:
    world = World()
    async with stage(world, at) as running:
        one = await running.mta()
        assert (await one.send(b"A: b\r\n" * 10 + b"C:" + b"d" * 1_000_000 + b"\r\nE: f" * 9_000 + b"\r\n\r\n"))[
            1
        ].startswith(b"552 5.3.4 The header section")
        assert (await one.send(MESSAGE))[0] == b"a"


async def test_a_message_nobody_gets_is_refused(at: str) -> None:
    world = World()
    async with stage(world, at) as running:
        one = await running.mta()
        await one.envelope()
        assert (await one.verdict(MESSAGE))[1].startswith(b"554 5.5.1 ")
    assert not world.transactions


async def test_a_long_scan_shows_signs_of_life(at: str) -> None:
    enough = asyncio.Event()

    async def slow(transaction: Transaction, content: Spool, deliver: Deliver) -> Reply:
        await enough.wait()
        return await deliver(HEADER)

    async with stage(World(verdict=slow), at, patience=Patience(progress=0.01)) as running:
        one = await running.mta()
        await one.envelope(b"alice@example.com")
        one.say(mta.content(MESSAGE))
        for _ in range(3):
            assert await one.hear() == (b"p", b"")
        enough.set()
        letter, _, copy = await one.end(mta.Copy.of(MESSAGE))
    assert letter == b"a"
    assert copy.below_own.startswith(b"X-Macrogate: ")


class NoticedSpool(Spool):
    """Tells when something has arrived, and when it is given back."""

    arrived: asyncio.Event
    closed = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        super().write(data)
        self.arrived.set()

    def close(self) -> None:
        super().close()
        type(self).closed += 1


async def test_an_mta_that_hangs_up_in_the_body_has_sent_nothing(at: str) -> None:
    NoticedSpool.arrived, NoticedSpool.closed = asyncio.Event(), 0
    world = World(spool=NoticedSpool)
    async with stage(world, at) as running:
        one = await running.mta()
        await one.envelope(b"alice@example.com")
        one.say(mta.content(MESSAGE)[:-20])
        await NoticedSpool.arrived.wait()
        await one.close()
        await until(lambda: world.ended("dropped"))
        assert (await (await running.mta()).send(MESSAGE))[0] == b"a"
    assert len(world.transactions) == 1
    assert NoticedSpool.closed == 2


async def test_an_mta_that_hangs_up_during_the_scan_has_taken_nothing(at: str) -> None:
    begun, gone = asyncio.Event(), asyncio.Event()

    async def slow(transaction: Transaction, content: Spool, deliver: Deliver) -> Reply:
        begun.set()
        await gone.wait()
        return await deliver(HEADER)

    world = World(verdict=slow)
    async with stage(world, at) as running:
        one = await running.mta()
        await one.envelope(b"alice@example.com")
        one.say(mta.content(MESSAGE))
        await begun.wait()
        await one.close()
        await asyncio.sleep(0)
        gone.set()
        await until(lambda: world.events("client-gone"))
    assert world.replies[0].code == 451
    assert world.events("client-gone")[0]["reply"].startswith("451 4.4.2 ")


@pytest.mark.parametrize(
    "abuse",
    [
        b"\xff\xff\xff\xffC",
        mta.packet(b"z"),
        mta.negotiation(),
        mta.packet(b"D", b"C" + mta.texts(b"i\0j\0k")),
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
async def test_whoever_speaks_something_else_is_hung_up_on(at: str, abuse: bytes) -> None:
    world = World()
    async with stage(world, at) as running:
        one = await running.mta()
        one.say(abuse)
        assert await one.hung_up()
        assert (await (await running.mta()).send(MESSAGE))[0] == b"a"
    assert world.events("session-refused")[0]["why"].startswith("milter: ")
    assert world.ended("refused") == 1


async def test_an_mta_that_falls_silent_in_a_message_is_not_waited_for(at: str) -> None:
    world = World()
    async with stage(world, at, patience=Patience(message=0.05)) as running:
        one = await running.mta()
        await one.envelope(b"alice@example.com")
        one.say(mta.packet(b"L", mta.texts(b"Subject", b" x")))
        assert await one.hung_up()
    assert world.ended("timeout") == 1
