"""The listener's socket, who may come, and its orderly end."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_network
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from gateway.message import Reply, Transaction
from gateway.milter.peer import Peer
from gateway.milter.server import MilterSettings
from gateway.spool import Spool
from tests.stubs import mta
from tests.unit.milter.fakes import HEADER, Deliver, World, stage
from tests.unit.milter.test_session import MESSAGE


async def test_the_unix_socket_is_for_owner_and_group_and_a_stale_one_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "milter.sock"
    for _ in range(2):
        async with stage(World(), f"unix:{path}") as running:
            assert path.stat().st_mode & 0o777 == 0o660
            assert (await (await running.mta()).send(MESSAGE))[0] == b"a"


async def test_tcp_is_acknowledged_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    real = socket.socket.setsockopt

    def noted(self: socket.socket, level: int, option: int, value: int) -> None:
        told.append(option)
        real(self, level, option, value)

    monkeypatch.setattr(socket.socket, "setsockopt", noted)
    async with stage(World(), "127.0.0.1:0") as running:
        letter, _, copy = await (await running.mta()).send(MESSAGE)
    assert letter == b"a"
    assert copy.below_own.endswith(MESSAGE)
    assert told.count(socket.TCP_QUICKACK) >= 3


async def test_there_are_only_so_many_connections_at_a_time(tmp_path: Path) -> None:
    world = World()
    async with stage(world, f"unix:{tmp_path}/m", max_sessions=2) as running:
        one, two = await running.mta(), await running.mta()
        reader, writer = await asyncio.open_unix_connection(f"{tmp_path}/m")
        assert await reader.read() == b""
        writer.close()
        for known in (one, two):
            assert (await known.send(MESSAGE))[0] == b"a"
        running.listener.reconfigure(MilterSettings(max_sessions=3))
        assert (await (await running.mta()).send(MESSAGE))[0] == b"a"
    assert world.events("session-refused")[0]["why"] == "milter: too many connections"


async def test_draining_finishes_what_is_past_its_end_and_nothing_else(tmp_path: Path) -> None:
    begun, enough = asyncio.Event(), asyncio.Event()

    async def slow(transaction: Transaction, content: Spool, deliver: Deliver) -> Reply:
        begun.set()
        await enough.wait()
        return await deliver(HEADER)

    world = World(verdict=slow)
    async with stage(world, f"unix:{tmp_path}/m") as running:
        idle, sending, finishing = [await running.mta() for _ in range(3)]
        for one in (sending, finishing):
            await one.envelope(b"alice@example.com")
        sending.say(mta.content(MESSAGE)[:-20])
        finishing.say(mta.content(MESSAGE))
        await begun.wait()
        draining = asyncio.create_task(running.listener.drain(20))
        assert await idle.hung_up()
        assert await sending.hung_up()
        enough.set()
        assert (await finishing.end(mta.Copy.of(MESSAGE)))[0] == b"a"
        assert await finishing.hung_up()
        await draining
        with pytest.raises((ConnectionError, FileNotFoundError)):
            await running.mta()
    assert len(world.transactions) == 1


async def test_draining_breaks_off_what_takes_too_long(tmp_path: Path) -> None:
    begun = asyncio.Event()

    async def endless(transaction: Transaction, content: Spool, deliver: Deliver) -> Reply:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with stage(World(verdict=endless), f"unix:{tmp_path}/m") as running:
        one = await running.mta()
        await one.envelope(b"alice@example.com")
        one.say(mta.content(MESSAGE))
        await begun.wait()
        await running.listener.drain(0.01)
        assert await one.hung_up()


@pytest.mark.parametrize(
    ("name", "trusted", "welcome"),
    [
        (("127.0.0.1", 1), (), True),
        (("::1", 1, 0, 0), (), True),
        (("::ffff:192.0.2.7", 1, 0, 0), ("192.0.2.0/24",), True),
        (("192.0.2.7", 1), ("198.51.100.0/24", "2001:db8::/32"), False),
        (("192.0.2.7", 1), (), False),
        (None, ("0.0.0.0/0",), False),  # reset before we looked
    ],
)
def test_only_this_machine_and_trusted_peers_may_come_by_tcp(
    name: object, trusted: tuple[str, ...], welcome: bool
) -> None:
    with socket.socket() as tcp:
        known = {"socket": tcp, "peername": name}
        peer = Peer(cast(asyncio.StreamWriter, SimpleNamespace(get_extra_info=known.get)))
    assert peer.welcome([ip_network(text) for text in trusted]) is welcome


async def test_a_stranger_on_the_port_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Peer, "welcome", lambda *_: False)
    world = World()
    async with stage(world, "127.0.0.1:0") as running:
        host, _, port = running.address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        assert await reader.read() == b""
        writer.close()
    assert "smtp.trusted_peers" in world.events("session-refused")[0]["why"]
