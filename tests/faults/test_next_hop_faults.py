"""The next hop misbehaves (F12 to F25, F70, S31, S32, S50): what our client is told, and what was delivered.

Every fault but F22 has to end in a reply that makes the client keep the message, or in the hop's own words; and the
next message has to go through as if nothing had been.
"""

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from gateway.endpoint import Endpoint
from gateway.message import Client, Envelope, Recipient, Reply
from gateway.metrics import Metrics
from gateway.smtp.client import HopError, HopPool, HopSettings, NextHop, Timeouts
from tests.stubs.next_hop import StubHop, Turn, drip, drop, reset, silence

ENVELOPE = Envelope("a@x.example", (Recipient("b@x.example"),))
BODY = [b"Subject: x\r\n\r\nbody\r\n"]
LARGE = b"0123456789\r\n" * 20_000
TAKEN = Reply.of("250 2.0.0 Taken")
BRIEF = Timeouts(connect=0.2, greeting=0.2, command=0.2, body=0.2, dot=0.2, quit=0.2)
"""The deadline is the thing awaited, so it is short; nothing here asserts how long it took."""


@asynccontextmanager
async def pool_to(stub: StubHop, **settings: object) -> AsyncIterator[HopPool]:
    address = Endpoint.parse(stub.address)
    pool = HopPool(HopSettings(address, "gw.example", **settings), Metrics())  # type: ignore[arg-type]
    try:
        yield pool
    finally:
        await pool.close()


async def stepwise(pool: HopPool, chunks: Iterator[bytes] | list[bytes]) -> list[Reply]:
    """One transaction as the proxy makes it, command by command."""
    hop = await pool.acquire(Client())
    try:
        for reply in [await hop.mail("a@x.example"), await hop.rcpt(Recipient("b@x.example"))]:
            if not reply.positive:
                return [reply]
        return await hop.data(chunks)
    finally:
        await pool.release(hop)


async def well(stub: StubHop) -> None:
    """Once the fault is over a message goes through; with ordinary deadlines, however busy the machine is."""
    stub.script.clear()
    async with pool_to(stub) as pool:
        assert await stepwise(pool, BODY) == [TAKEN]


async def trouble(pool: HopPool) -> Reply:
    """The reply of a transaction that has to fail for want of one from the hop."""
    with pytest.raises(HopError) as caught:
        await stepwise(pool, BODY)
    return caught.value.reply


def fresh_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_f12_a_hop_that_is_down_and_comes_back() -> None:
    stub = StubHop(port=fresh_port())
    async with pool_to(stub) as pool:
        assert (await trouble(pool)).wire.startswith(b"451 4.4.1 ")
        async with stub:
            assert await stepwise(pool, BODY) == [TAKEN]


@pytest.mark.parametrize("event", ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "."])
@pytest.mark.parametrize("fault", [silence, drip("250 " + "x" * 100, 0.01)], ids=["silent", "dripping"])
async def test_f13_f14_a_hop_that_is_silent_or_drips_meets_a_deadline(event: str, fault: Turn) -> None:
    async with StubHop({event: [fault]}) as stub, pool_to(stub, timeouts=BRIEF) as pool:
        assert (await trouble(pool)).wire.startswith(b"451 4.4.2 ")
        assert stub.messages == []
        await well(stub)


async def test_f13_no_descriptor_is_left_behind() -> None:
    async with StubHop({"CONNECT": silence}) as stub, pool_to(stub, timeouts=BRIEF) as pool:
        await trouble(pool)
        await stub.until(lambda stub: stub.open == 0)
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(2):
            await trouble(pool)
        await stub.until(lambda stub: stub.open == 0)
        assert len(os.listdir("/proc/self/fd")) == before


async def test_f14_a_hop_that_stops_reading_meets_a_deadline() -> None:
    async def deaf(_: object) -> None:
        await asyncio.Event().wait()

    async with StubHop({"BODY": [deaf]}) as stub, pool_to(stub, timeouts=BRIEF) as pool:
        with pytest.raises(HopError, match="within"):
            await stepwise(pool, [LARGE] * 200)
        await well(stub)


@pytest.mark.parametrize("event", ["MAIL", "RCPT", "DATA", "."])
@pytest.mark.parametrize("answer", ["450 4.2.1 <b@x.example>: Busy", "554-5.7.1 Two\n554 5.7.1 lines"])
async def test_f15_to_f20_refusals_are_the_hops_own_words(event: str, answer: str) -> None:
    async with StubHop({event: [answer]}) as stub, pool_to(stub) as pool:
        (reply,) = await stepwise(pool, BODY)
        assert reply.wire == answer.replace("\n", "\r\n").encode() + b"\r\n"
        assert stub.messages == []
        assert await stepwise(pool, BODY) == [TAKEN]
        assert len(stub.messages) == 1


async def test_f16_one_recipient_of_three_is_refused() -> None:
    async with StubHop({"RCPT TO:<b@": "550 5.1.1 Nobody"}) as stub, pool_to(stub) as pool:
        hop = await pool.acquire(Client())
        await hop.mail("s@x.example")
        codes = [(await hop.rcpt(Recipient(f"{name}@x.example"))).code for name in "abc"]
        assert codes == [250, 550, 250]
        assert await hop.data(BODY) == [TAKEN]
        assert stub.messages[0].recipients == ["a@x.example", "c@x.example"]
        await pool.release(hop)


@pytest.mark.parametrize("event", ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "BODY", "."])
@pytest.mark.parametrize("fault", [drop, reset])
async def test_f21_a_connection_lost_without_a_reply_is_no_success(event: str, fault: Turn) -> None:
    async with StubHop({event: [fault]}) as stub, pool_to(stub) as pool:
        assert (await trouble(pool)).wire.startswith(b"451 4.4.2 ")
        assert stub.messages == []
        assert await stepwise(pool, BODY) == [TAKEN]


@pytest.mark.parametrize("fault", [drop, reset])
async def test_f22_a_reply_that_came_counts_whatever_came_after(fault: Turn) -> None:
    async with StubHop({".": [("250 2.0.0 Taken", fault)]}) as stub, pool_to(stub) as pool:
        assert await stepwise(pool, BODY) == [TAKEN]
        assert await stepwise(pool, BODY) == [TAKEN]
        assert len(stub.messages) == 2
        assert stub.connections == 2


GARBAGE = [
    b"\xff\xfe\xfd\r\n",
    b"OK\r\n",
    b"250 nul\0nul\r\n",
    b"250 a\rb\r\n",
    b"250 bare\n",
    b"250-one\r\n550 two\r\n",
    b"250 " + b"x" * 100_000 + b"\r\n",
    b"250-x\r\n" * 10_000 + b"250 x\r\n",
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
]


@pytest.mark.parametrize("event", ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "."])
@pytest.mark.parametrize("garbage", GARBAGE, ids=range(len(GARBAGE)))
async def test_f23_what_is_no_reply_is_never_copied(event: str, garbage: bytes) -> None:
    async with StubHop({event: [garbage]}) as stub, pool_to(stub) as pool:
        with pytest.raises(HopError) as caught:
            await stepwise(pool, BODY)
        assert caught.value.reply.text.startswith("451 4.4.0 The next hop does not keep to the protocol")
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 200
        assert await stepwise(pool, BODY) == [TAKEN]


async def test_s50_a_long_reply_with_control_characters_stays_a_reply() -> None:
    text = "".join(f"550-line {number} \x1b[2J\x07\n" for number in range(22)) + "550 end"
    async with StubHop({"RCPT": text}) as stub, pool_to(stub) as pool:
        (reply,) = await stepwise(pool, BODY)
        assert len(reply.lines) == 23
        assert reply.wire.replace(b"\r\n", b"").decode().isprintable()
        assert "\n" not in reply.text


def until_told(told: asyncio.Event) -> Iterator[bytes]:
    """A body that goes on until the hop has spoken, and would go on for ever."""
    while True:
        yield LARGE
        if told.is_set():
            yield LARGE


@pytest.mark.parametrize("farewell", ["421 4.3.2 Shutting down", "552 5.3.4 Too big already"])
async def test_f24_a_refusal_in_mid_data_stops_the_body(farewell: str) -> None:
    told = asyncio.Event()

    async def tell(_: object) -> None:
        told.set()

    async with StubHop({"BODY": [(farewell, tell)]}) as stub, pool_to(stub) as pool:
        with pytest.raises(HopError) as caught:
            await stepwise(pool, until_told(told))
        assert caught.value.reply == Reply.of(farewell)
        await stub.until(lambda stub: stub.open == 0)
        assert stub.ended == []
        assert await stepwise(pool, BODY) == [TAKEN]


async def test_f24_a_hop_that_says_421_and_hangs_up() -> None:
    async with StubHop({"BODY": [("421 4.3.2 Shutting down", drop)]}) as stub, pool_to(stub) as pool:
        with pytest.raises(HopError) as caught:
            await stepwise(pool, [LARGE] * 200)
        assert caught.value.reply.code in {421, 451}  # RST may destroy the 421 before anybody could read it
        assert stub.ended == []


EARLY = {
    "with 354": {"DATA": [b"354 Go on\r\n250 2.0.0 Early\r\n"]},
    "during the body": {"BODY": ["250 2.0.0 Early"]},
    "half a reply": {"DATA": [b"354 Go on\r\n25"]},
    "with MAIL": {"MAIL": [b"250 2.1.0 Ok\r\n250 2.1.5 Early\r\n"]},
    "with RCPT": {"RCPT": [b"250 2.1.5 Ok\r\n354 Early\r\n"]},
    "with the banner": {"CONNECT": [b"220 stub\r\n250 Early\r\n"]},
    "with EHLO": {"EHLO": [b"250 stub\r\n250 Early\r\n"]},
}


@pytest.mark.parametrize("script", EARLY.values(), ids=EARLY.keys())
async def test_f25_a_reply_before_its_time_is_never_paired_with_a_command(script: dict[str, list[Turn]]) -> None:
    async with StubHop(script) as stub, pool_to(stub) as pool:
        with pytest.raises(HopError) as caught:
            await stepwise(pool, iter([LARGE] * 50))
        assert caught.value.reply.wire.startswith(b"451 4.4.0 ")
        await stub.until(lambda stub: stub.open == 0)
        assert stub.ended == []
        assert await stepwise(pool, BODY) == [TAKEN]


@pytest.mark.parametrize("event", ["MAIL", "RCPT", "."])
async def test_f23_an_answer_that_is_neither_yes_nor_no_is_not_passed_on(event: str) -> None:
    async with StubHop({event: ["354 Go on"]}) as stub, pool_to(stub) as pool:
        with pytest.raises(HopError) as caught:
            await stepwise(pool, BODY)
        assert caught.value.reply.wire.startswith(b"451 4.4.0 ")


async def test_f25_a_reply_too_many_after_the_dot_is_not_taken_for_the_next_message() -> None:
    script: dict[str, list[Turn]] = {".": [("250 2.0.0 Taken", "250 2.0.0 Once more")], "MAIL": ["250 2.1.0 Ok"]}
    async with StubHop(script) as stub, pool_to(stub) as pool:
        assert await stepwise(pool, BODY) == [TAKEN]
        stub.script["RCPT"] = "550 5.1.1 Nobody"
        assert await stepwise(pool, BODY) == [Reply.of("550 5.1.1 Nobody")]
        assert len(stub.messages) == 1


async def test_f70_the_second_address_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    async def getaddrinfo(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        assert host == "hop.example"
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 0, "", ("::1", port, 0, 0)),
            (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", port)),
        ]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    async with StubHop() as stub:
        pool = HopPool(HopSettings(Endpoint("hop.example", stub.port), "gw.example"), Metrics())
        assert await stepwise(pool, BODY) == [TAKEN]
        await pool.close()


async def test_s31_plain_text_behind_the_220_of_starttls_is_an_attack() -> None:
    injected = b"220 2.0.0 Go on\r\n250-XFORWARD NAME\r\n250 XCLIENT ADDR\r\n"
    async with StubHop({"STARTTLS": injected}, extensions=["STARTTLS"]) as stub, pool_to(stub, tls="may") as pool:
        assert (await trouble(pool)).wire.startswith(b"451 4.4.0 ")


async def test_s31_garbage_instead_of_a_handshake() -> None:
    garbage: Turn = ("220 2.0.0 Go on", b"x" * 1000)
    async with StubHop({"STARTTLS": garbage}, extensions=["STARTTLS"]) as stub, pool_to(stub, tls="may") as pool:
        assert (await trouble(pool)).code == 451


@pytest.mark.parametrize("script", [{}, {"STARTTLS": "454 4.7.0 Not now"}, {"EHLO": "500 5.5.1 What?"}])
async def test_s32_required_tls_fails_closed(script: dict[str, str]) -> None:
    extensions = ["STARTTLS"] if script else []
    context = ssl.create_default_context()
    async with (
        StubHop(script, extensions=extensions) as stub,
        pool_to(stub, tls="require", tls_context=context) as pool,
    ):
        assert (await trouble(pool)).wire.startswith(b"451 4.7.4 ")
        assert not any(line.startswith("MAIL") for line in stub.commands)


async def test_a_handshake_that_never_ends_meets_a_deadline() -> None:
    never: Turn = ("220 2.0.0 Go on", silence)
    async with (
        StubHop({"STARTTLS": never}, extensions=["STARTTLS"]) as stub,
        pool_to(stub, tls="may", timeouts=BRIEF) as pool,
    ):
        assert (await trouble(pool)).wire.startswith(b"451 4.4.2 ")
        await stub.until(lambda stub: stub.open == 0)


async def test_a_connection_that_failed_is_not_usable() -> None:
    async with StubHop({"MAIL": drop}) as stub, pool_to(stub) as pool:
        hop: NextHop = await pool.acquire(Client())
        with pytest.raises(HopError):
            await hop.mail("a@x.example")
        for attempt in (hop.mail("a@x.example"), hop.rcpt(Recipient("b@x.example")), hop.data(BODY), hop.rset()):
            with pytest.raises(HopError):
                await attempt
        await hop.quit()
        assert not hop.usable


ENDS = (
    *("\n.\n", "\n.\r", "\r.\n", "\r.\r", "\n.\r\n", "\r.\r\n", "\r\n.\n", "\r\n.\r", "\r\n.\r\r\n", "\r\r\n.\r\r\n"),
    *("\r\n\0.\r\n", "\r\n.\0\r\n", "\r\n. \r\n"),
)
"""Every end of data that some server took for one (S01 to S13)."""


@pytest.mark.parametrize("end", [end for end in ENDS if not end.startswith("\r\n\0")], ids=ascii)
async def test_s14_to_s26_a_lenient_hop_counts_one_message(end: str) -> None:
    """NUL before the dot is the listener's to refuse: no stuffing helps against a hop that throws NUL away."""
    smuggled = b"Subject: 1\r\n\r\nx" + end.encode() + b"MAIL FROM:<m@x.example>\r\nRCPT TO:<n@x.example>\r\nDATA\r\n"
    smuggled += b"Subject: 2\r\n\r\ny\r\n"
    async with StubHop(lenient=True) as stub, pool_to(stub) as pool:
        assert await stepwise(pool, [smuggled]) == [TAKEN]
        for size in (1, 7):
            pieces = [smuggled[start : start + size] for start in range(0, len(smuggled), size)]
            assert await stepwise(pool, pieces) == [TAKEN]
        assert len(stub.ended) == 3
        assert sum(line.startswith("MAIL") for line in stub.commands) == 3


@pytest.mark.parametrize("end", ENDS, ids=ascii)
async def test_the_lenient_hop_would_have_counted_two(end: str) -> None:
    """Without this the tests above could not fail."""
    async with StubHop(lenient=True) as stub:
        _, writer = await asyncio.open_connection("127.0.0.1", stub.port)
        envelope = b"MAIL FROM:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\n"
        writer.write(b"EHLO x\r\n" + envelope + b"one" + end.encode() + envelope + b"two\r\n.\r\nQUIT\r\n")
        await writer.drain()
        await stub.until(lambda stub: "QUIT" in stub.commands)
        writer.close()
        assert len(stub.messages) == 2
