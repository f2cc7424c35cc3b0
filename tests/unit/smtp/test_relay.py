"""The next hop is down, lost, slow, or has changed: what the client hears, and what becomes of the connection."""

import pytest

from gateway.message import Reply, Transaction
from gateway.smtp.wire import CANNOT_CONNECT, LOST, TIMED_OUT, HopError
from gateway.spool import Spool
from tests.unit.smtp.fakes import Deliver, World, stage
from tests.unit.smtp.test_session import BODY

MAIL = "MAIL FROM:<from@example.com>"
RCPT = "RCPT TO:<to@example.com>"


async def test_a_next_hop_that_is_down_is_told_at_mail_and_tried_again_each_time() -> None:
    world = World(down=HopError(CANNOT_CONNECT, "connection refused"))
    async with stage(world) as at:
        client = await at.greeted()
        assert (await client.ask(MAIL.encode())).startswith(b"451 4.4.1")
        assert (await client.ask(MAIL.encode())).startswith(b"451 4.4.1")
        world.down = None
        await client.ask(b"EHLO client.example")
        await client.envelope()
        assert (await client.data(BODY + b".\r\n")).startswith(b"250")
    assert world.events("next-hop-failed")[0]["why"] == "connection refused"
    assert world.delivered == [BODY]


async def test_ehlo_of_a_next_hop_that_is_down_offers_what_it_last_had() -> None:
    world = World()
    async with stage(world) as at:
        await at.greeted()
        world.down = HopError(CANNOT_CONNECT, "down")
        client = await at.connect()
        await client.hear()
        assert b"8BITMIME" in await client.ask(b"EHLO client.example")
        assert (await client.ask(MAIL.encode())).startswith(b"451 4.4.1")


async def test_a_next_hop_that_refuses_this_client_says_so_itself() -> None:
    refusal = Reply(554, (b"5.7.1 You are listed",))
    async with stage(World(down=HopError(refusal, "refused"), xclient=True)) as at:
        client = await at.greeted()
        assert await client.ask(MAIL.encode()) == refusal.wire


@pytest.mark.parametrize("dead", [HopError(LOST, "gone"), Reply.of("421 4.4.2 idle too long")])
async def test_an_idle_connection_that_died_is_replaced_silently(dead: HopError | Reply) -> None:
    world = World(answers={MAIL: [dead, Reply.of("250 2.1.0 Ok")]})
    async with stage(world) as at:
        client = await at.greeted()
        await client.envelope()
        assert (await client.data(BODY + b".\r\n")).startswith(b"250")
    assert world.commands == [MAIL, MAIL, RCPT, "DATA"]
    assert world.hops.released == len(world.hops.acquired)


async def test_a_connection_that_dies_twice_is_told() -> None:
    world = World(answers={MAIL: [HopError(LOST, "gone"), HopError(LOST, "gone")]})
    async with stage(world) as at:
        client = await at.greeted()
        assert await client.ask(MAIL.encode()) == LOST.wire
    assert world.hops.released == len(world.hops.acquired)


async def test_a_next_hop_that_is_slow_is_not_asked_twice() -> None:
    world = World(answers={MAIL: HopError(TIMED_OUT, "slow")})
    async with stage(world) as at:
        client = await at.greeted()
        assert await client.ask(MAIL.encode()) == TIMED_OUT.wire
    assert world.commands == [MAIL]


async def test_a_next_hop_that_closes_at_mail_closes_the_session_in_its_words() -> None:
    farewell = Reply.of("421 4.3.2 Maintenance")
    async with stage(World(answers={MAIL: farewell})) as at:
        client = await at.greeted()
        assert await client.ask(MAIL.encode()) == farewell.wire
        assert await client.ends()


async def test_a_refused_mail_opens_nothing() -> None:
    world = World(answers={MAIL: [Reply.of("550 5.7.1 no"), Reply.of("250 2.1.0 Ok")]}, xclient=True)
    async with stage(world) as at:
        client = await at.greeted()
        assert (await client.ask(MAIL.encode())).startswith(b"550")
        assert (await client.ask(RCPT.encode())).startswith(b"503")
        assert (await client.ask(MAIL.encode())).startswith(b"250")
    assert world.commands[:3] == [MAIL, "RSET", MAIL]


async def test_a_next_hop_lost_at_rcpt_fails_the_transaction_only() -> None:
    world = World(answers={RCPT: [HopError(LOST, "gone"), Reply.of("250 2.1.5 Ok")]})
    async with stage(world) as at:
        client = await at.greeted()
        await client.ask(MAIL.encode())
        assert await client.ask(RCPT.encode()) == LOST.wire
        assert await client.ask(b"RCPT TO:<other@example.com>") == LOST.wire
        assert (await client.ask(b"DATA")).startswith(b"554 5.5.1")
        await client.ask(b"RSET")
        await client.envelope()
        assert (await client.data(BODY + b".\r\n")).startswith(b"250")


async def test_a_next_hop_lost_before_data_is_told_before_the_message() -> None:
    world = World()
    async with stage(world) as at:
        client = await at.greeted()
        await client.envelope()
        (session,) = at.sessions
        session._relay._hop.usable = False
        assert await client.ask(b"DATA") == LOST.wire
        await client.envelope()
    assert world.transactions == []


async def test_a_next_hop_lost_at_the_dot_is_a_451() -> None:
    world = World(answers={"DATA": [HopError(LOST, "gone"), Reply.of("250 2.0.0 Ok")]})
    async with stage(world) as at:
        client = await at.greeted()
        await client.envelope()
        assert await client.data(BODY + b".\r\n") == LOST.wire
        await client.envelope()
        assert (await client.data(BODY + b".\r\n")).startswith(b"250")
    assert len(world.delivered) == 1


async def test_idle_clients_hold_no_connection_without_xclient_and_one_with_it() -> None:
    for xclient, in_use in ((False, 0), (True, 1)):
        world = World(xclient=xclient)
        async with stage(world) as at:
            client = await at.greeted()
            assert len(world.hops.acquired) - world.hops.released == in_use
            await client.envelope()
            assert len(world.hops.acquired) - world.hops.released == 1
            await client.ask(b"RSET")
            assert len(world.hops.acquired) - world.hops.released == in_use
        assert world.hops.released == len(world.hops.acquired)
        assert len(world.hops.acquired) == 2 - xclient


async def test_a_message_keeps_the_configuration_it_began_with() -> None:
    seen: list[str] = []

    def named(name: str) -> World:
        async def note(transaction: Transaction, content: Spool, deliver: Deliver) -> Reply:
            seen.append(name)
            return Reply.of("250 2.0.0 Ok")

        return World(verdict=note, xclient=True)

    old, new = named("old"), named("new")
    async with stage(old) as at:
        client = await at.greeted()
        await client.envelope()
        old.successor = new
        await client.data(BODY + b".\r\n")
        await client.envelope()
        await client.data(BODY + b".\r\n")
    assert seen == ["old", "new"]
    assert old.hops.released == len(old.hops.acquired) == 1
    assert new.hops.released == len(new.hops.acquired) == 1
