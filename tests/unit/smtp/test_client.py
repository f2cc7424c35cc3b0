"""The pool: what is used again, what is not, and what is counted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.endpoint import Endpoint
from gateway.message import Client, Envelope, Recipient, Reply
from gateway.metrics import Metrics
from gateway.smtp import client
from gateway.smtp.client import HopError, HopPool, HopSettings, Timeouts
from tests.stubs.next_hop import StubHop, drop

ENVELOPE = Envelope("a@x.example", (Recipient("b@x.example"), Recipient("c@x.example")))
BODY = [b"Subject: x\r\n\r\n", b"body\r\n"]
TAKEN = Reply.of("250 2.0.0 Taken")


@asynccontextmanager
async def pool_to(stub: StubHop, metrics: Metrics | None = None, **settings: object) -> AsyncIterator[HopPool]:
    """A pool; ``settings`` are those of ``HopSettings``."""
    address = Endpoint.parse(stub.address)
    pool = HopPool(HopSettings(address, "gw.example", **settings), metrics or Metrics())  # type: ignore[arg-type]
    try:
        yield pool
    finally:
        await pool.close()


def counted(metrics: Metrics) -> dict[tuple[str, str], float]:
    """Next-hop replies by stage and class."""
    return {
        (sample.labels["stage"], sample.labels["class"]): sample.value
        for family in metrics.next_hop_replies.collect()
        for sample in family.samples
        if sample.name.endswith("_total") and sample.value
    }


async def test_a_connection_is_used_again() -> None:
    async with StubHop() as stub, pool_to(stub) as pool:
        for _ in range(3):
            assert await pool.deliver(ENVELOPE, Client(), BODY) == [TAKEN, TAKEN]
        assert stub.connections == 1
        assert [message.data for message in stub.messages] == [b"".join(BODY)] * 3
        assert pool.extensions_seen is not None
        assert "PIPELINING" in pool.extensions_seen


async def test_an_open_transaction_is_reset_before_the_connection_is_used_again() -> None:
    async with StubHop() as stub, pool_to(stub) as pool:
        hop = await pool.acquire(Client())
        await hop.mail("a@x.example")
        await pool.release(hop)
        assert await pool.acquire(Client()) is hop
        assert stub.commands[1:] == ["MAIL FROM:<a@x.example>", "RSET"]
        await pool.release(hop)


@pytest.mark.parametrize("answer", ["500 5.5.1 What?", "421 4.3.2 Bye", drop])
async def test_a_connection_that_cannot_be_reset_is_given_up(answer: object) -> None:
    async with StubHop({"RSET": answer}) as stub, pool_to(stub) as pool:  # type: ignore[dict-item]
        hop = await pool.acquire(Client())
        await hop.mail("a@x.example")
        await pool.release(hop)
        assert await pool.deliver(ENVELOPE, Client(), BODY) == [TAKEN, TAKEN]
        assert stub.connections == 2


async def test_with_xclient_a_connection_speaks_for_one_client_only() -> None:
    async with StubHop(extensions=["XCLIENT NAME ADDR HELO"]) as stub, pool_to(stub, xclient=True) as pool:
        await pool.deliver(ENVELOPE, Client("192.0.2.1"), BODY)
        await pool.deliver(ENVELOPE, Client("192.0.2.2"), BODY)
        assert stub.connections == 2
        assert [message.xclient["ADDR"] for message in stub.messages] == ["192.0.2.1", "192.0.2.2"]


async def test_at_most_so_many_idle_connections_are_kept() -> None:
    async with StubHop() as stub, pool_to(stub) as pool:
        hops = [await pool.acquire(Client()) for _ in range(client.MAX_IDLE + 3)]
        for hop in hops:
            await pool.release(hop)
        await stub.until(lambda stub: stub.open == client.MAX_IDLE)
        assert stub.commands.count("QUIT") == 3


async def test_an_idle_connection_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MAX_IDLE_SECONDS", 0.0)
    async with StubHop() as stub, pool_to(stub) as pool:
        await pool.release(await pool.acquire(Client()))
        await stub.until(lambda stub: stub.open == 0)
        assert stub.commands[-1] == "QUIT"
        assert await pool.deliver(ENVELOPE, Client(), BODY) == [TAKEN, TAKEN]


async def test_a_connection_carries_so_many_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MAX_MESSAGES", 2)
    async with StubHop() as stub, pool_to(stub) as pool:
        for _ in range(5):
            await pool.deliver(ENVELOPE, Client(), BODY)
        assert [message.connection for message in stub.messages] == [1, 1, 2, 2, 3]


async def test_an_idle_connection_the_hop_closed_is_not_used() -> None:
    async with StubHop() as stub, pool_to(stub) as pool:
        await pool.deliver(ENVELOPE, Client(), BODY)
        await stub.stop()
        await stub.start()
        assert await pool.deliver(ENVELOPE, Client(), BODY) == [TAKEN, TAKEN]
        assert stub.connections == 2


@pytest.mark.parametrize("unsolicited", ["421 4.4.2 Timeout", "250 2.0.0 Extra", b"2"])
async def test_an_idle_connection_that_spoke_is_not_used(unsolicited: str | bytes) -> None:
    spoken = asyncio.Event()

    async def tell(_: object) -> None:
        spoken.set()

    async with StubHop({".": [("250 2.0.0 Taken", unsolicited, tell)]}) as stub, pool_to(stub) as pool:
        hop = await pool.acquire(Client())
        await hop.mail("a@x.example")
        await hop.rcpt(Recipient("b@x.example"))
        assert await hop.data(BODY) == [TAKEN]
        await pool.release(hop)
        await spoken.wait()
        assert await pool.deliver(ENVELOPE, Client(), BODY) == [TAKEN, TAKEN]
        assert stub.connections == 2


async def test_closing_parts_from_idle_connections_and_from_those_in_use_later() -> None:
    async with StubHop() as stub, pool_to(stub) as pool:
        idle, used = await pool.acquire(Client()), await pool.acquire(Client())
        await pool.release(idle)
        await pool.close()
        await stub.until(lambda stub: stub.open == 1)
        await pool.release(used)
        await stub.until(lambda stub: stub.open == 0)
        assert stub.commands.count("QUIT") == 2


async def test_a_cancelled_exchange_costs_the_connection() -> None:
    """The client went away while the hop was thinking: nobody may get the reply it still owes."""
    asked, thinking = asyncio.Event(), asyncio.Event()

    async def think(_: object) -> None:
        asked.set()
        await thinking.wait()

    async with StubHop({"MAIL": [(think, "250 2.1.0 Ok")]}) as stub, pool_to(stub) as pool:
        hop = await pool.acquire(Client())
        attempt = asyncio.create_task(hop.mail("a@x.example"))
        await asked.wait()
        attempt.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attempt
        await pool.release(hop)
        thinking.set()
        assert await pool.deliver(ENVELOPE, Client(), BODY) == [TAKEN, TAKEN]
        assert stub.connections == 2


async def test_trouble_while_delivering_is_a_reply_for_each_recipient() -> None:
    async with StubHop({"CONNECT": "554 5.7.1 Go away"}) as stub, pool_to(stub) as pool:
        assert await pool.deliver(ENVELOPE, Client(), BODY) == [Reply.of("554 5.7.1 Go away")] * 2
    async with StubHop({"DATA": drop}) as stub, pool_to(stub) as pool:
        assert [reply.code for reply in await pool.deliver(ENVELOPE, Client(), BODY)] == [451, 451]


async def test_a_connection_is_named_for_each_client() -> None:
    async with StubHop(extensions=["XFORWARD NAME ADDR"]) as stub, pool_to(stub) as pool:
        await pool.deliver(ENVELOPE, Client("192.0.2.1"), BODY)
        await pool.deliver(ENVELOPE, Client("192.0.2.2"), BODY)
        assert stub.connections == 1
        assert [message.xforward["ADDR"] for message in stub.messages] == ["192.0.2.1", "192.0.2.2"]


async def test_replies_are_counted_by_stage_and_class() -> None:
    metrics = Metrics()
    async with StubHop({"RCPT TO:<c@": "550 5.1.1 Nobody"}) as stub, pool_to(stub, metrics) as pool:
        await pool.deliver(ENVELOPE, Client(), BODY)
    assert counted(metrics) == {
        ("connect", "2xx"): 1,
        ("ehlo", "2xx"): 1,
        ("mail", "2xx"): 1,
        ("rcpt", "2xx"): 1,
        ("rcpt", "5xx"): 1,
        ("data", "3xx"): 1,
        ("dot", "2xx"): 1,
    }


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ({"CONNECT": "421 4.3.2 Busy"}, {("connect", "4xx"): 1}),
        ({"CONNECT": drop}, {("connect", "error"): 1}),
        ({"EHLO": b"250-a\r\n251 b\r\n"}, {("connect", "2xx"): 1, ("ehlo", "error"): 1}),
    ],
)
async def test_failures_are_counted_once(script: dict[str, object], expected: dict[tuple[str, str], float]) -> None:
    metrics = Metrics()
    async with StubHop(script) as stub, pool_to(stub, metrics) as pool:  # type: ignore[arg-type]
        with pytest.raises(HopError):
            await pool.acquire(Client())
    assert counted(metrics) == expected


async def test_a_hop_that_ignores_quit_is_left() -> None:
    async with StubHop({"QUIT": ()}) as stub, pool_to(stub, timeouts=Timeouts(quit=0.01)) as pool:
        await pool.release(await pool.acquire(Client()))
        await pool.close()
        await stub.until(lambda stub: stub.open == 0)
