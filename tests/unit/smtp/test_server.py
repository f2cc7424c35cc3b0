"""The listener's sockets, and its orderly end."""

import asyncio
from pathlib import Path

import pytest

from gateway.smtp.server import ServerSettings
from gateway.spool import Spool
from tests.unit.smtp.fakes import World, stage
from tests.unit.smtp.test_session import BODY, Slow


async def test_who_reaches_the_unix_socket_is_trusted(tmp_path: Path) -> None:
    path = tmp_path / "smtp.sock"
    async with stage(World(), f"unix:{path}") as at:
        assert path.stat().st_mode & 0o777 == 0o660
        client = await at.connect()
        await client.hear()
        assert b"XFORWARD" in await client.ask(b"EHLO client.example")


async def test_a_stale_unix_socket_is_replaced_and_a_file_is_not(tmp_path: Path) -> None:
    path = tmp_path / "smtp.sock"
    for _ in range(2):
        async with stage(World(), f"unix:{path}") as at:
            assert (await (await at.connect()).hear()).startswith(b"220")
    (tmp_path / "mail").write_text("precious")
    with pytest.raises(OSError, match="in use"):
        async with stage(World(), f"unix:{tmp_path / 'mail'}"):
            pass
    assert (tmp_path / "mail").read_text() == "precious"


async def test_new_settings_are_for_new_sessions() -> None:
    async with stage(World(), bare_newline="normalize") as at:
        old = await at.greeted()
        at.listener.reconfigure(ServerSettings("new.example", bare_newline="reject", max_sessions=2))
        new = await at.connect()
        assert (await new.hear()).startswith(b"220 new.example")
        await new.ask(b"EHLO client.example")
        await new.envelope()
        assert (await new.data(b"a\nb\r\n.\r\n")).startswith(b"550 5.5.2")
        await new.ends()
        await old.envelope()
        assert (await old.data(b"a\nb\r\n.\r\n")).startswith(b"250")
        assert (await (await at.connect()).hear()).startswith(b"220")
        assert (await (await at.connect()).hear()).startswith(b"421 4.7.0")


async def test_ipv6() -> None:
    async with stage(World(), "[::1]:0") as at:
        client = await at.greeted()
        await client.envelope()


class NoticedSpool(Spool):
    """Tells when something has arrived."""

    arrived: asyncio.Event

    def write(self, data: bytes | bytearray | memoryview) -> None:
        super().write(data)
        self.arrived.set()


async def test_draining_turns_away_who_has_not_sent_a_final_dot() -> None:
    NoticedSpool.arrived = asyncio.Event()
    world = World(spool=NoticedSpool)
    async with stage(world) as at:
        idle, sending = await at.greeted(), await at.greeted()
        await sending.envelope()
        await sending.ask(b"DATA")
        await sending.say(b"half a message")
        await NoticedSpool.arrived.wait()
        await at.listener.drain(5)
        for client in (idle, sending):
            assert (await client.hear()).startswith(b"421 4.3.2")
            assert await client.ends()
        with pytest.raises(ConnectionError):
            await at.connect()
    assert world.ended("drained") == 2
    assert world.transactions == []
    assert world.hops.released == len(world.hops.acquired)


async def test_draining_lets_a_message_past_its_dot_finish() -> None:
    slow = Slow()
    world = World(verdict=slow)
    async with stage(world) as at:
        client = await at.greeted()
        await client.envelope()
        await client.ask(b"DATA")
        await client.say(BODY + b".\r\n")
        await slow.begun.wait()
        draining = asyncio.create_task(at.listener.drain(30))
        await asyncio.sleep(0)
        slow.go_on.set()
        assert (await client.hear()).startswith(b"250")
        assert (await client.hear()).startswith(b"421 4.3.2")
        assert await client.ends()
        await draining
    assert world.delivered == [BODY]


async def test_draining_waits_for_a_message_whose_client_has_gone() -> None:
    slow = Slow()
    world = World(verdict=slow)
    async with stage(world) as at:
        client = await at.greeted()
        await client.envelope()
        await client.ask(b"DATA")
        await client.say(BODY + b".\r\n")
        await slow.begun.wait()
        client.reset()
        await at.sessions_end()
        draining = asyncio.create_task(at.listener.drain(30))
        await asyncio.sleep(0)
        slow.go_on.set()
        await draining
    assert world.delivered == [BODY]


async def test_draining_ends_when_time_is_up() -> None:
    slow = Slow()
    world = World(verdict=slow)
    async with stage(world) as at:
        client = await at.greeted()
        await client.envelope()
        await client.ask(b"DATA")
        await client.say(BODY + b".\r\n")
        await slow.begun.wait()
        await at.listener.drain(0.05)
        assert await client.ends()
    assert world.delivered == []
    assert world.hops.released == len(world.hops.acquired)


async def test_draining_does_not_wait_for_a_next_hop_that_says_no_good_bye(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.smtp.server.LAST_SECONDS", 0.05)
    world = World()
    async with stage(world) as at:
        client = await at.greeted()
        world.parting = asyncio.Event()
        assert (await client.ask(b"MAIL FROM:<from@example.com>")).startswith(b"250")
        async with asyncio.timeout(10):
            await at.listener.drain(0.05)
        assert at.listener._house.farewells == set()
