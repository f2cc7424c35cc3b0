"""What ``gateway/smtp/conversation.py`` takes from the inside of aiosmtpd and asyncio, and what it repairs there.

The first half fails when an upgrade takes away something we use. The second half fails when an upgrade mends a defect:
good news, and the message says what may be deleted here.
"""

import asyncio
import inspect
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiosmtpd
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from gateway.smtp.conversation import Conversation
from gateway.smtp.session import SmtpSession
from tests.unit.smtp.fakes import Talker, World, stage


class Sink:
    """An upstream handler that keeps what it got."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.cancelled = asyncio.Event()
        self.begun = asyncio.Event()
        self.hang = False

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - upstream's name
        self.envelopes.append(envelope)
        self.begun.set()
        try:
            if self.hang:
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return "250 OK"


@asynccontextmanager
async def upstream(sink: Sink | None = None, factory: type[SMTP] = SMTP, **options: Any) -> AsyncIterator[Talker]:
    """A client of stock aiosmtpd that has said EHLO."""
    loop = asyncio.get_running_loop()
    made = lambda: factory(sink or Sink(), hostname="mx.example", loop=loop, **options)  # noqa: E731 - shorter here
    server = await loop.create_server(made, "127.0.0.1", 0)
    talker = Talker(*await asyncio.open_connection(*server.sockets[0].getsockname()))
    await talker.hear()
    await talker.ask((b"LHLO" if factory is LMTP else b"EHLO") + b" client.example")
    try:
        yield talker
    finally:
        talker.writer.close()
        server.close()


# ---- what we use


def test_the_release_is_the_one_this_was_written_against() -> None:
    assert aiosmtpd.__version__.startswith("1.4."), "read every test here before allowing another series"


async def test_the_names_we_override_are_called_by_upstream() -> None:
    for name in ("_handle_client", "_timeout_cb", "eof_received", "connection_lost", "connection_made"):
        assert callable(getattr(SMTP, name)), name
    assert "self._handle_client()" in inspect.getsource(SMTP.connection_made)
    assert "self._timeout_cb" in inspect.getsource(SMTP._reset_timeout)


async def test_the_attributes_we_read_are_there() -> None:
    async with stage(World()) as at:
        await at.greeted()
        (session,) = at.sessions
        assert isinstance(session._reader, asyncio.StreamReader)
        assert isinstance(session._writer, asyncio.StreamWriter)
        assert callable(session._timeout_handle.cancel)
        assert isinstance(session._handler_coroutine, asyncio.Task)
        assert session.transport is not None
        assert session.loop is asyncio.get_running_loop()
        assert session.hostname == "mx.example"
        assert session._over_ssl is False
        assert session._smtp_methods["MAIL"] == session.smtp_MAIL


async def test_the_reader_keeps_what_it_has_in_a_bytearray() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(b"two")
    assert isinstance(reader._buffer, bytearray)
    reader._buffer[:0] = b"one"
    assert await reader.read(100) == b"onetwo"
    assert hasattr(reader, "_transport")


async def test_the_reader_stops_reading_beyond_twice_its_limit() -> None:
    async with stage(World()) as at:
        await at.greeted()
        (session,) = at.sessions
        session._reader.feed_data(b"x" * (2 * Conversation.line_length_limit + 1))
        assert not session.transport.is_reading()


async def test_losing_the_connection_cancels_the_session() -> None:
    async with stage(World()) as at:
        client = await at.greeted()
        (session,) = at.sessions
        client.reset()
        await at.sessions_end()
        assert session.task().cancelled()
        assert session.transport is None


def test_every_verb_of_upstream_is_ours() -> None:
    verbs = {name for name in dir(SMTP) if name.startswith("smtp_")}
    assert {name for name in verbs if getattr(SmtpSession, name) is getattr(SMTP, name)} == set()


async def test_the_hostname_is_never_looked_up(monkeypatch: Any) -> None:
    monkeypatch.setattr("socket.getfqdn", lambda *_: 1 / 0)
    async with stage(World()) as at:
        await at.greeted()


# ---- what we repair


async def test_defect_command_size_limits_are_shared_by_all_sessions() -> None:
    first = SMTP(Sink(), hostname="x", loop=asyncio.get_running_loop())
    first.command_size_limits["MAIL"] = 5_000
    second = SMTP(Sink(), hostname="x", loop=asyncio.get_running_loop())
    assert first.command_size_limits is second.command_size_limits, "mended: drop the dict in Conversation.__init__"
    async with stage(World()) as at:
        await at.greeted()
        await at.greeted()
        one, other = at.sessions
        assert one.command_size_limits is not other.command_size_limits


async def test_defect_bare_newlines_pass_through_data() -> None:
    sink = Sink()
    async with upstream(sink) as client:
        await client.envelope()
        await client.data(b"a\n.\nb\rc\r\n.\r\n")
    assert b"\n.\n" in sink.envelopes[0].content, "mended: compare smtp_DATA with DataDecoder again"


async def test_defect_commands_end_at_a_bare_newline() -> None:
    async with upstream() as client:
        await client.say(b"NOOP\nNOOP\r\n")
        replies = [await client.hear(), await client.hear()]
    assert replies == [b"250 OK\r\n"] * 2, "mended: the check in Command.parse may be enough without our own loop"


async def test_defect_dsn_parameters_are_refused() -> None:
    async with upstream() as client:
        assert (await client.ask(b"MAIL FROM:<a@x> RET=FULL")).startswith(b"555"), "mended: see smtp_MAIL"
        await client.ask(b"MAIL FROM:<a@x>")
        assert (await client.ask(b"RCPT TO:<b@x> NOTIFY=NEVER")).startswith(b"555"), "mended: see smtp_RCPT"


async def test_defect_parameters_are_changed_to_upper_case() -> None:
    sink = Sink()
    async with upstream(sink) as client:
        await client.ask(b"MAIL FROM:<a@x> body=8bitmime")
        await client.ask(b"RCPT TO:<b@x>")
        await client.data(b"x\r\n.\r\n")
    assert sink.envelopes[0].mail_options == ["BODY=8BITMIME"], "mended: options could be relayed verbatim"


async def test_defect_addresses_are_rewritten() -> None:
    server = SMTP(Sink(), hostname="x", loop=asyncio.get_running_loop())
    rewritten = [server._getaddr(text)[0] for text in ("<a b@x>", "<a(c)@x>", "<a@x", "<@r:a@x>")]
    assert rewritten == ['"a b"@x', "a@x", "a@x", "a@x"], "mended: compare _getaddr with parse_path again"


async def test_defect_lmtp_has_one_reply_for_all_recipients() -> None:
    async with upstream(factory=LMTP) as client:
        await client.envelope([b"a@x", b"b@x"])
        await client.say(b"DATA\r\n")
        await client.hear()
        await client.say(b"x\r\n.\r\nNOOP\r\n")
        assert [await client.hear(), await client.hear()] == [b"250 OK\r\n"] * 2, "mended: LMTP is thinkable"
        await client.say(b"QUIT\r\n")
        assert (await client.hear()).startswith(b"221"), "mended: LMTP is thinkable"


async def test_defect_half_a_disconnect_cancels_the_handler() -> None:
    sink = Sink()
    sink.hang = True
    async with upstream(sink) as client:
        await client.envelope()
        await client.ask(b"DATA")
        await client.say(b"x\r\n.\r\n")
        await sink.begun.wait()
        client.writer.write_eof()
        async with asyncio.timeout(5):
            await sink.cancelled.wait()  # mended when this times out: drop eof_received, and look at finishing again


def test_defect_the_timer_is_set_only_by_commands() -> None:
    assert "_reset_timeout" not in inspect.getsource(SMTP.smtp_DATA), "mended: compare with SmtpSession._patience"


async def test_defect_xforward_and_bdat_count_as_bogus() -> None:
    async with upstream() as client:
        replies = [await client.ask(b"XFORWARD NAME=a") for _ in range(5)]
    assert replies[-1].startswith(b"502 5.5.1 Too many unrecognized"), "mended: our loop counts errors itself anyway"


async def test_defect_lines_over_1001_octets_are_refused() -> None:
    async with upstream() as client:
        await client.envelope()
        assert (await client.data(b"x" * 1_100 + b"\r\n.\r\n")).startswith(b"500"), "mended: compare smtp_DATA again"


async def test_defect_the_null_sender_is_two_brackets() -> None:
    sink = Sink()
    async with upstream(sink) as client:
        await client.ask(b"MAIL FROM:<>")
        await client.ask(b"RCPT TO:<b@x>")
        await client.data(b"x\r\n.\r\n")
    assert sink.envelopes[0].mail_from == "<>", "mended: nothing to delete, our Envelope says ''"


async def test_defect_auth_is_offered_to_everybody_without_an_authenticator() -> None:
    async with upstream(auth_require_tls=False) as client:
        assert b"AUTH LOGIN PLAIN" in await client.ask(b"EHLO client.example"), "mended: drop smtp_AUTH here"


async def test_defect_the_text_of_exceptions_is_told_to_clients() -> None:
    class Leaky(Sink):
        async def handle_NOOP(self, *_: Any) -> str:  # noqa: N802 - upstream's name
            raise RuntimeError("secret")

    async with upstream(Leaky()) as client:
        assert b"secret" in await client.ask(b"NOOP"), "mended: one reason less for our own _handle_client"


async def test_defect_the_greeting_does_not_wait_for_silence() -> None:
    assert "_buffer" not in inspect.getsource(SMTP._handle_client), "mended: see _await_silence"


def test_defect_properties_are_evaluated_by_the_constructor() -> None:
    assert "inspect.getmembers(obj)" in inspect.getsource(SMTP.__init__), "mended: Conversation.task may be a property"
