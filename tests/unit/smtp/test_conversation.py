"""Lines, time-outs, limits, TLS, PROXY and the end of a session, over a real socket."""

import asyncio
import ssl
from ipaddress import ip_network

import pytest
import trustme

from gateway.smtp.settings import SessionTimeouts
from tests.unit.smtp.fakes import Talker, World, stage

TRUSTED = (ip_network("127.0.0.0/8"),)
V2 = b"\r\n\r\n\x00\r\nQUIT\n"


# ---- lines


@pytest.mark.parametrize("length", [4095, 5_000, 60_000])
async def test_a_line_too_long_is_refused_and_the_next_one_is_read(length: int) -> None:
    async with stage(World()) as at:
        client = await at.greeted()
        await client.say(b"NOOP " + b"x" * length + b"\r\nNOOP\r\n")
        assert (await client.hear()).startswith(b"500 5.5.2 Line too long")
        assert (await client.hear()).startswith(b"250")


async def test_a_line_without_end_is_not_buffered_for_ever() -> None:
    async with stage(World()) as at:
        client = await at.greeted()
        client.writer.write(b"x" * 10_000_000)
        assert (await client.hear()).startswith(b"500 5.5.2")
        assert await client.ends()


async def test_a_command_may_come_byte_by_byte_and_many_in_one_segment() -> None:
    async with stage(World()) as at:
        client = await at.greeted()
        for octet in b"NOOP\r\n":
            await client.say(bytes((octet,)))
        assert (await client.hear()).startswith(b"250")
        await client.say(b"NOOP\r\n" * 50)
        assert [(await client.hear())[:3] for _ in range(50)] == [b"250"] * 50


async def test_a_client_that_only_talks_is_not_buffered_for() -> None:
    """S64: replies keep order, and input is not read while it cannot be answered."""
    async with stage(World(), max_junk=10**9) as at:
        client = await at.greeted()
        client.writer.write(b"NOOP\r\n" * 100_000)
        (session,) = at.sessions
        for _ in range(500):
            await asyncio.sleep(0)
        assert session.pending() <= 512 * 1024
        for _ in range(100_000):
            assert await client.reader.readline() == b"250 2.0.0 Ok\r\n"


# ---- before the greeting


async def test_who_speaks_before_the_greeting_is_turned_away() -> None:
    async with stage(World(), timeouts=SessionTimeouts(greet_delay=10)) as at:
        client = await at.connect()
        await client.say(b"EHLO early.example\r\n")
        assert (await client.hear()).startswith(b"554 5.5.0")
        assert await client.ends()


async def test_who_waits_is_greeted_after_the_delay_and_trusted_peers_at_once() -> None:
    async with stage(World(), timeouts=SessionTimeouts(greet_delay=0.01)) as at:
        assert (await (await at.connect()).hear()).startswith(b"220")
    async with stage(World(), timeouts=SessionTimeouts(greet_delay=3600), trusted_peers=TRUSTED) as at:
        assert (await (await at.connect()).hear()).startswith(b"220")


async def test_early_input_is_seen_in_the_kernel_too() -> None:
    """Without a delay: the bytes are there when the session begins, and the event loop has not read them yet."""
    world = World()
    async with stage(world) as at:
        loop = asyncio.get_running_loop()
        accepted = loop.create_future()
        server = await asyncio.start_server(lambda _, peer: accepted.set_result(peer), "127.0.0.1", 0)
        talker = Talker(*await asyncio.open_connection(*server.sockets[0].getsockname()))
        writer = await accepted
        writer.transport.pause_reading()
        await talker.say(b"EHLO early.example\r\n")
        session = at.listener._session()
        session.connection_made(writer.transport)
        assert (await talker.hear()).startswith(b"554 5.5.0")
        talker.writer.close()
        writer.transport.abort()
        session.connection_lost(None)
        server.close()


# ---- limits


async def test_too_many_sessions_of_one_client() -> None:
    world = World()
    async with stage(world, max_sessions_per_client=2) as at:
        first = await at.greeted()
        await at.greeted()
        third = await at.connect()
        assert (await third.hear()).startswith(b"421 4.7.0")
        assert await third.ends()
        await first.ask(b"QUIT")
        await first.ends()
        await at.greeted()
    assert world.ended("refused") == 1


async def test_a_place_is_kept_for_trusted_peers() -> None:
    async with stage(World(), max_sessions=2, trusted_peers=(ip_network("127.0.0.2/32"),)) as at:
        await at.greeted()
        assert (await (await at.connect()).hear()).startswith(b"421 4.7.0")
        reader, writer = await asyncio.open_connection(*at.address, local_addr=("127.0.0.2", 0))
        assert (await Talker(reader, writer).hear()).startswith(b"220")
        writer.close()


async def test_sessions_are_counted() -> None:
    world = World()
    async with stage(world) as at:
        client = await at.greeted()
        assert world.metrics.registry.get_sample_value("macrogate_sessions_open", {"listener": "smtp"}) == 1
        await client.ask(b"QUIT")
        await client.ends()
    assert world.metrics.registry.get_sample_value("macrogate_sessions_open", {"listener": "smtp"}) == 0
    assert world.ended("quit") == 1


# ---- time-outs


async def test_a_dripping_command_runs_out_of_time() -> None:
    world = World()
    async with stage(world, timeouts=SessionTimeouts(command=0.2)) as at:
        client = await at.greeted()
        dripping = asyncio.create_task(_drip(client, b"x"))
        assert (await client.hear()).startswith(b"421 4.4.2")
        assert await client.ends()
        dripping.cancel()
    assert world.ended("timeout") == 1


async def test_a_dripping_message_runs_out_of_time() -> None:
    world = World()
    timeouts = SessionTimeouts(data=10, data_grace=0.2, data_rate=1_000_000)
    async with stage(world, timeouts=timeouts) as at:
        client = await at.greeted()
        await client.envelope()
        await client.ask(b"DATA")
        dripping = asyncio.create_task(_drip(client, b"x\r\n"))
        assert (await client.hear()).startswith(b"421 4.4.2")
        dripping.cancel()
    assert world.transactions == []
    assert world.ended("timeout") == 1


async def test_silence_in_a_message_runs_out_of_time() -> None:
    async with stage(World(), timeouts=SessionTimeouts(data=0.1)) as at:
        client = await at.greeted()
        await client.envelope()
        await client.ask(b"DATA")
        assert (await client.hear()).startswith(b"421 4.4.2")


async def test_a_session_has_an_end_however_busy() -> None:
    async with stage(World(), timeouts=SessionTimeouts(session=0.2), max_junk=10**9) as at:
        client = await at.greeted()
        async with asyncio.timeout(10):
            while (await client.ask(b"NOOP")).startswith(b"250"):
                pass
        assert await client.ends()


async def _drip(client: Talker, octets: bytes) -> None:
    while True:
        await client.say(octets)
        await asyncio.sleep(0.02)


# ---- a bug of ours


async def test_a_bug_costs_one_session_and_tells_nothing() -> None:
    world = World()
    world.recipient_class = lambda *_: 1 / 0  # type: ignore[method-assign]
    async with stage(world) as at:
        other = await at.greeted()
        client = await at.greeted()
        await client.ask(b"MAIL FROM:<a@x>")
        assert await client.ask(b"RCPT TO:<b@x>") == b"421 4.3.0 Internal error, please try again later\r\n"
        assert await client.ends()
        assert (await other.ask(b"NOOP")).startswith(b"250")
    assert "ZeroDivisionError" in world.events("session-error")[0]["error"]
    assert world.ended("error") == 1


# ---- TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("mx.example").configure_cert(context)
    return context


@pytest.fixture
def client_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


async def test_everything_is_said_again_under_tls(server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    await talk_under_tls(server_tls, client_tls)


def test_the_same_on_uvloop(server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    uvloop = pytest.importorskip("uvloop", reason="uvloop is optional")
    uvloop.run(talk_under_tls(server_tls, client_tls))


async def talk_under_tls(server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    world = World()
    async with stage(world, tls_context=server_tls) as at:
        client = await at.connect()
        await client.hear()
        assert b"STARTTLS" in await client.ask(b"EHLO client.example")
        await client.ask(b"MAIL FROM:<plain@x>")
        assert (await client.ask(b"STARTTLS")).startswith(b"220")
        await client.writer.start_tls(client_tls, server_hostname="mx.example")
        assert (await client.ask(b"MAIL FROM:<a@x>")).startswith(b"503")
        assert b"STARTTLS" not in await client.ask(b"EHLO client.example")
        assert (await client.ask(b"STARTTLS")).startswith(b"503")
        await client.envelope()
        body = b"Subject: x\r\n\r\n" + b"0123456789abcdef" * 65536 + b"\r\n"
        assert (await client.data(body + b".\r\n")).startswith(b"250")
        assert (await client.ask(b"QUIT")).startswith(b"221")
    assert world.delivered == [body]
    assert world.transactions[0].client.tls
    assert world.transactions[0].client.helo == "client.example"
    assert world.ended("quit") == 1


async def test_commands_injected_before_the_handshake_end_the_session(server_tls: ssl.SSLContext) -> None:
    world = World()
    async with stage(world, tls_context=server_tls) as at:
        client = await at.greeted()
        await client.say(b"STARTTLS\r\nRSET\r\nMAIL FROM:<evil@x>\r\n")
        assert (await client.hear()).startswith(b"554 5.5.0")
        assert await client.ends()
    assert world.commands == []


async def test_commands_injected_while_we_prepare_for_tls_end_the_session(server_tls: ssl.SSLContext) -> None:
    world = World(xclient=True)
    async with stage(world, tls_context=server_tls) as at:
        client = await at.greeted()
        world.parting = asyncio.Event()
        (session,) = at.sessions
        await client.say(b"STARTTLS\r\n")
        async with asyncio.timeout(10):
            while session._relay._hop is not None:  # noqa: ASYNC110 - until it waits for the connection to be given back
                await asyncio.sleep(0)
            await client.say(b"RSET\r\nMAIL FROM:<evil@x>\r\n")
            while not session.pending():  # noqa: ASYNC110 - the reader has no event for it
                await asyncio.sleep(0)
        world.parting.set()
        assert (await client.hear()).startswith(b"220")
        assert (await client.hear()).startswith(b"554 5.5.0")
        assert await client.ends()
    assert world.commands == []


async def test_commands_instead_of_the_handshake_end_the_session(server_tls: ssl.SSLContext) -> None:
    world = World()
    async with stage(world, tls_context=server_tls) as at:
        client = await at.greeted()
        await client.ask(b"STARTTLS")
        await client.say(b"MAIL FROM:<evil@x>\r\nRCPT TO:<evil@x>\r\n")
        await at.sessions_end()
    assert world.commands == []
    assert world.ended("error") == 1


async def test_a_handshake_has_a_deadline(server_tls: ssl.SSLContext) -> None:
    world = World()
    async with stage(world, tls_context=server_tls, timeouts=SessionTimeouts(handshake=0.1)) as at:
        client = await at.greeted()
        await client.ask(b"STARTTLS")
        assert await client.ends()
        await at.sessions_end()
    assert world.ended("error") + world.ended("dropped") == 1  # uvloop tells the protocol that the connection is lost


async def test_a_client_that_leaves_under_tls(server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    world = World()
    async with stage(world, tls_context=server_tls) as at:
        client = await at.greeted()
        await client.ask(b"STARTTLS")
        await client.writer.start_tls(client_tls, server_hostname="mx.example")
        await client.ask(b"EHLO client.example")
        await client.envelope()
        await client.ask(b"DATA")
        await client.say(b"half a message\r\n")
        client.writer.transport.abort()
        await at.sessions_end()
    assert world.transactions == []
    assert world.ended("dropped") == 1


# ---- PROXY


def v2(command: int, family: int, rest: bytes) -> bytes:
    return V2 + bytes((0x20 | command, family)) + len(rest).to_bytes(2, "big") + rest


V2_IPV4 = v2(1, 0x11, bytes((192, 0, 2, 7, 127, 0, 0, 1)) + (5555).to_bytes(2, "big") + (25).to_bytes(2, "big"))


@pytest.mark.parametrize(
    ("header", "address", "port"),
    [
        (b"PROXY TCP4 192.0.2.7 127.0.0.1 5555 25\r\n", "192.0.2.7", 5555),
        (b"PROXY TCP6 2001:db8::7 ::1 5555 25\r\n", "2001:db8::7", 5555),
        (b"PROXY UNKNOWN\r\n", "127.0.0.1", None),
        (V2_IPV4, "192.0.2.7", 5555),
        (v2(0, 0x00, b""), "127.0.0.1", None),
    ],
)
async def test_a_proxy_header_names_the_client(header: bytes, address: str, port: int | None) -> None:
    world = World()
    async with stage(world, proxy_protocol=True, trusted_peers=TRUSTED) as at:
        client = await at.connect()
        await client.say(header)
        assert (await client.hear()).startswith(b"220")
        await client.ask(b"EHLO client.example")
        await client.envelope()
    named = world.introduced[0][0]
    assert named.address == address
    assert port is None or named.port == port


async def test_the_client_behind_a_proxy_is_trusted_no_more_than_its_own_address() -> None:
    async with stage(World(), proxy_protocol=True, trusted_peers=TRUSTED) as at:
        client = await at.connect()
        await client.say(b"PROXY TCP4 192.0.2.7 127.0.0.1 5555 25\r\n")
        await client.hear()
        assert b"XCLIENT" not in await client.ask(b"EHLO client.example")


@pytest.mark.parametrize(
    "header",
    [
        b"EHLO client.example\r\n",
        b"PROXY TCP4\r\n",
        b"PROXY TCP4 999.0.0.1 127.0.0.1 1 2\r\n",
        b"PROXY TCP4 192.0.2.7 127.0.0.1 5555 99999999\r\n",
        b"PROXY" + b"x" * 5_000 + b"\r\n",
        V2 + b"\xff" * 20,
        V2[:6] + b"x" * 20,
    ],
)
async def test_a_bad_proxy_header_ends_the_session(header: bytes) -> None:
    world = World()
    async with stage(world, proxy_protocol=True, trusted_peers=TRUSTED, timeouts=SessionTimeouts(handshake=0.3)) as at:
        client = await at.connect()
        await client.say(header)
        heard = await client.hear()
        assert heard == b"" or heard.startswith(b"421 4.4.2")
        await at.sessions_end()
    assert world.ended("refused") + world.ended("timeout") == 1


async def test_a_proxy_header_from_a_stranger_ends_the_session() -> None:
    async with stage(World(), proxy_protocol=True, trusted_peers=(ip_network("192.0.2.0/24"),)) as at:
        client = await at.connect()
        await client.say(b"PROXY TCP4 192.0.2.7 127.0.0.1 5555 25\r\n")
        assert await client.ends()


async def test_commands_behind_the_proxy_header_are_early_too() -> None:
    async with stage(World(), proxy_protocol=True, trusted_peers=TRUSTED) as at:
        client = await at.connect()
        await client.say(b"PROXY TCP4 192.0.2.7 127.0.0.1 5555 25\r\nEHLO early.example\r\n")
        assert (await client.hear()).startswith(b"554 5.5.0")
