"""The commands a relay needs, against a next hop that records what it got."""

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.endpoint import Endpoint
from gateway.message import Client, Envelope, Recipient, Reply
from gateway.smtp.hop_settings import HopSettings
from gateway.smtp.next_hop import NextHop, open_hop
from gateway.smtp.wire import HopError, Wire
from tests.stubs.next_hop import EXTENSIONS, Conversation, StubHop, drop

STRANGER = Client("192.0.2.9", 4711, "mx.example.org", "mail.example.org", "ESMTP")
ALL_ATTRIBUTES = "NAME ADDR PORT PROTO HELO IDENT SOURCE"


@asynccontextmanager
async def talking_to(stub: StubHop, client: Client = STRANGER, **settings: object) -> AsyncIterator[NextHop]:
    """A greeted connection to ``stub``; ``settings`` are those of ``HopSettings``."""
    address = Endpoint.parse(stub.address)
    hop = await open_hop(HopSettings(address, "gw.example", **settings), client, lambda *_: None)  # type: ignore[arg-type]
    try:
        yield hop
    finally:
        await hop.quit()


async def send(hop: NextHop, *recipients: str, data: bytes = b"Subject: x\r\n\r\nbody\r\n") -> list[Reply]:
    assert (await hop.mail("a@x.example")).positive
    for recipient in recipients:
        await hop.rcpt(Recipient(recipient))
    return await hop.data([data])


# ---- the beginning


async def test_extensions_are_those_of_the_hop() -> None:
    async with StubHop(extensions=["SIZE 1000", "pipelining", "XFORWARD NAME ADDR"]) as stub, talking_to(stub) as hop:
        assert hop.extensions == {"SIZE": "1000", "PIPELINING": "", "XFORWARD": "NAME ADDR"}
        assert stub.commands == ["EHLO gw.example"]


async def test_helo_where_ehlo_is_unknown() -> None:
    async with StubHop({"EHLO": "502 5.5.1 What?"}) as stub, talking_to(stub) as hop:
        assert stub.commands == ["EHLO gw.example", "HELO gw.example"]
        assert hop.extensions == {}
        assert (await send(hop, "b@x.example"))[0].positive


@pytest.mark.parametrize("event", ["CONNECT", "EHLO"])
@pytest.mark.parametrize("refusal", ["421 4.3.2 Too busy", "450 4.7.1 Greylisted", "554 5.7.1 Go\n554 away"])
async def test_a_refusal_to_talk_is_passed_on_verbatim(event: str, refusal: str) -> None:
    async with StubHop({event: refusal.replace("554 5.7.1", "554-5.7.1"), "HELO": "554-5.7.1 Go\n554 away"}) as stub:
        with pytest.raises(HopError) as caught:
            async with talking_to(stub):
                pass
        assert caught.value.reply.code == int(refusal[:3])
        assert caught.value.reply.lines[-1].decode() in refusal


async def test_a_unix_socket(tmp_path: Path) -> None:
    async with StubHop(path=tmp_path / "hop.sock") as stub, talking_to(stub) as hop:
        assert await send(hop, "b@x.example") == [Reply.of("250 2.0.0 Taken")]


# ---- one transaction


async def test_envelope_parameters_and_bytes_arrive_as_they_are() -> None:
    sender, recipient = "jörg@x.example", '"odd > one"@x.example'
    data = b"Subject: =?x\r\n\r\n.dot\r\n..two\r\n\xff\x00\r\n" + b"y" * 5000 + b"\r\n.\r\n"
    async with StubHop() as stub, talking_to(stub) as hop:
        await hop.mail(sender, "SIZE=12 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=Qq+2B")
        await hop.rcpt(Recipient(recipient, "NOTIFY=SUCCESS ORCPT=rfc822;Odd+3D"))
        assert await hop.data([data[:20], data[20:25], b"", data[25:]]) == [Reply.of("250 2.0.0 Taken")]
        assert stub.commands[1:3] == [
            f"MAIL FROM:<{sender}> SIZE=12 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=Qq+2B",
            f"RCPT TO:<{recipient}> NOTIFY=SUCCESS ORCPT=rfc822;Odd+3D",
        ]
        assert stub.messages[0].data == data


async def test_addresses_keep_octets_that_are_no_utf8() -> None:
    async with StubHop() as stub, talking_to(stub) as hop:
        await hop.mail(b"\xe4@x.example".decode("utf-8", "surrogateescape"))
        assert stub.commands[-1].encode("utf-8", "surrogateescape") == b"MAIL FROM:<\xe4@x.example>"


async def test_the_null_sender() -> None:
    async with StubHop() as stub, talking_to(stub) as hop:
        await hop.mail("")
        assert stub.commands[-1] == "MAIL FROM:<>"


@pytest.mark.parametrize("octet", "\r\n\0")
async def test_an_address_that_is_more_than_one_line_is_our_bug(octet: str) -> None:
    async with StubHop() as stub, talking_to(stub) as hop:
        with pytest.raises(ValueError, match="cannot be a command"):
            await hop.mail(f"a{octet}RCPT TO:<z@x.example>")
        with pytest.raises(ValueError, match="cannot be a command"):
            await hop.rcpt(Recipient("b@x.example", f"NOTIFY=NEVER{octet}"))
        assert stub.commands == ["EHLO gw.example"]


@pytest.mark.parametrize("parameters", ["BODY=8BITMIME", "SMTPUTF8", "RET=FULL", "ENVID=1", "AUTH=<>"])
async def test_a_promise_the_hop_no_longer_makes_puts_the_message_off(parameters: str) -> None:
    """F63: the client was offered it by an earlier EHLO; leaving it out would mangle or misreport."""
    async with StubHop(extensions=[]) as stub, talking_to(stub) as hop:
        assert (await hop.mail("a@x.example", parameters)).code == 451
        assert stub.commands == ["EHLO gw.example"]
        assert not hop.in_transaction


async def test_size_is_only_a_hint_and_left_out_where_nobody_asks() -> None:
    async with StubHop(extensions=[]) as stub, talking_to(stub) as hop:
        assert (await hop.mail("a@x.example", "size=100")).positive
        assert stub.commands[-1] == "MAIL FROM:<a@x.example>"
        assert (await hop.rcpt(Recipient("b@x.example", "NOTIFY=NEVER"))).code == 451


async def test_a_refusal_of_data_itself_is_the_reply_and_no_body_is_read() -> None:
    def untouched() -> Iterator[bytes]:
        raise AssertionError("the body was asked for")
        yield b""

    async with StubHop({"DATA": ["451 4.3.0 Not now"]}) as stub, talking_to(stub) as hop:
        await hop.mail("a@x.example")
        await hop.rcpt(Recipient("b@x.example"))
        assert await hop.data(untouched()) == [Reply.of("451 4.3.0 Not now")]
        assert hop.in_transaction
        assert (await hop.rset()).positive
        assert not hop.in_transaction
        assert (await send(hop, "b@x.example"))[0].positive
        assert len(stub.messages) == 1


async def test_a_body_that_fails_is_never_finished() -> None:
    def failing() -> Iterator[bytes]:
        yield b"Subject: x\r\n\r\n" + b"body\r\n" * 100_000
        raise OSError(5, "Input/output error")

    async with StubHop() as stub, talking_to(stub) as hop:
        await hop.mail("a@x.example")
        await hop.rcpt(Recipient("b@x.example"))
        with pytest.raises(OSError, match="Input/output"):
            await hop.data(failing())
        assert not hop.usable
        await stub.until(lambda stub: stub.open == 0)
        assert stub.ended == []


async def test_one_large_chunk_is_cut() -> None:
    data = b"Subject: x\r\n\r\n" + b".0123456789\r\n" * 100_000
    async with StubHop() as stub, talking_to(stub) as hop:
        assert (await send(hop, "b@x.example", data=data))[0].positive
        assert stub.messages[0].data == data


async def test_small_chunks_are_one_write(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bytes] = []
    send_on = Wire.send

    def send_and_note(wire: Wire, data: bytes, replies: int) -> None:
        written.append(data)
        send_on(wire, data, replies)

    monkeypatch.setattr(Wire, "send", send_and_note)
    async with StubHop() as stub, talking_to(stub) as hop:
        await hop.mail("a@x.example")
        await hop.rcpt(Recipient("b@x.example"))
        await hop.data([b"X-Own: line\r\n", b"Subject: x\r\n\r\n", b"body\r\n"])
        assert written[-2:] == [b"DATA\r\n", b"X-Own: line\r\nSubject: x\r\n\r\nbody\r\n.\r\n"]


async def test_421_is_passed_on_and_ends_the_use_of_the_connection() -> None:
    async with StubHop({"RCPT": "421 4.3.2 Shutting down"}) as stub, talking_to(stub) as hop:
        await hop.mail("a@x.example")
        assert await hop.rcpt(Recipient("b@x.example")) == Reply.of("421 4.3.2 Shutting down")
        assert not hop.usable


@settings(max_examples=25, deadline=None)
@given(st.lists(st.binary(max_size=60).map(lambda raw: raw.replace(b"z", b"\r\n.")), max_size=6))
async def test_a_lenient_hop_counts_one_message_whatever_the_body(chunks: list[bytes]) -> None:
    """P16, S14 to S26: no way of ending a message ever known to any server is in what we emit, but one."""
    async with StubHop(lenient=True) as stub, talking_to(stub) as hop:
        await hop.mail("a@x.example")
        await hop.rcpt(Recipient("b@x.example"))
        assert (await hop.data(chunks))[0].positive
        assert len(stub.ended) == 1
        assert [line.partition(" ")[0] for line in stub.commands] == ["EHLO", "MAIL", "RCPT", "DATA"]


# ---- a whole transaction


ENVELOPE = Envelope("a@x.example", (Recipient("b@x.example"), Recipient("c@x.example"), Recipient("d@x.example")))


@pytest.mark.parametrize("extensions", [EXTENSIONS, []], ids=["pipelined", "stepwise"])
async def test_a_transaction_has_one_reply_per_recipient(extensions: list[str]) -> None:
    script = {"RCPT TO:<c@": "550 5.1.1 Nobody"}
    async with StubHop(script, extensions=extensions) as stub, talking_to(stub) as hop:
        replies = await hop.transact(ENVELOPE, [b"Subject: x\r\n\r\n"])
        taken = Reply.of("250 2.0.0 Taken")
        assert replies == [taken, Reply.of("550 5.1.1 Nobody"), taken]
        assert stub.messages[0].recipients == ["b@x.example", "d@x.example"]
        assert hop.usable


@pytest.mark.parametrize("extensions", [EXTENSIONS, []], ids=["pipelined", "stepwise"])
@pytest.mark.parametrize("event", ["MAIL", "RCPT", "DATA", "."])
async def test_a_transaction_refused_anywhere_is_refused_for_all(extensions: list[str], event: str) -> None:
    async with StubHop({event: "450 4.2.1 Later"}, extensions=extensions) as stub, talking_to(stub) as hop:
        assert await hop.transact(ENVELOPE, [b"Subject: x\r\n\r\n"]) == [Reply.of("450 4.2.1 Later")] * 3
        assert stub.messages == []


async def test_354_for_nobody_is_not_answered_with_an_empty_message() -> None:
    script = {"RCPT": "550 5.1.1 Nobody", "DATA": "354 Go on anyway"}
    async with StubHop(script) as stub, talking_to(stub) as hop:
        assert await hop.transact(ENVELOPE, [b"x\r\n"]) == [Reply.of("550 5.1.1 Nobody")] * 3
        assert not hop.usable
        await stub.until(lambda stub: stub.open == 0)
        assert stub.ended == []


@pytest.mark.parametrize("extensions", [["PIPELINING"], ["PIPELINING", "DSN"]])
async def test_a_parameter_of_one_recipient_that_cannot_be_sent(extensions: list[str]) -> None:
    envelope = Envelope("a@x.example", (Recipient("b@x.example"), Recipient("c@x.example", "NOTIFY=NEVER")))
    async with StubHop(extensions=extensions) as stub, talking_to(stub) as hop:
        replies = await hop.transact(envelope, [b"x\r\n"])
        assert [reply.code for reply in replies] == ([250, 250] if "DSN" in extensions else [451, 451])
        assert len(stub.messages) == ("DSN" in extensions)


# ---- LMTP


async def test_lmtp_gives_each_accepted_recipient_its_own_reply() -> None:
    script = {"RCPT TO:<c@": "550 5.1.1 Nobody", ".": ["250 2.0.0 b has it", "452 4.2.2 d is full"]}
    async with StubHop(script, lmtp=True) as stub, talking_to(stub) as hop:
        assert stub.commands == ["LHLO gw.example"]
        for recipient in ENVELOPE.recipients:
            if recipient is ENVELOPE.recipients[0]:
                await hop.mail("a@x.example")
            await hop.rcpt(recipient)
        assert await hop.data([b"x\r\n"]) == [Reply.of("250 2.0.0 b has it"), Reply.of("452 4.2.2 d is full")]


async def test_lmtp_replies_are_paired_with_their_recipients() -> None:
    script = {"RCPT TO:<c@": "550 5.1.1 Nobody", ".": ["250 2.0.0 b has it", "452 4.2.2 d is full"]}
    async with StubHop(script, lmtp=True) as stub, talking_to(stub) as hop:
        assert [reply.code for reply in await hop.transact(ENVELOPE, [b"x\r\n"])] == [250, 550, 452]


async def test_lmtp_that_dies_between_two_replies_puts_off_only_the_rest() -> None:
    script = {".": ["250 2.0.0 b has it", drop]}
    async with StubHop(script, lmtp=True) as stub, talking_to(stub) as hop:
        assert [reply.code for reply in await hop.transact(ENVELOPE, [b"x\r\n"])] == [250, 451, 451]
        assert not hop.usable


async def test_lmtp_has_no_helo() -> None:
    async with StubHop({"LHLO": "500 5.5.1 SMTP only"}, lmtp=True) as stub:
        with pytest.raises(HopError):
            async with talking_to(stub):
                pass
        assert stub.commands == ["LHLO gw.example"]


# ---- who the client is


@pytest.mark.parametrize("offered", ["NAME ADDR PORT PROTO HELO", "NAME ADDR"])
async def test_xclient_makes_the_session_the_clients(offered: str) -> None:
    async with (
        StubHop(extensions=[f"XCLIENT {offered}", f"XFORWARD {ALL_ATTRIBUTES}"]) as stub,
        talking_to(stub, xclient=True) as hop,
    ):
        assert [line.partition(" ")[0] for line in stub.commands] == ["EHLO", "XCLIENT", "EHLO"]
        assert stub.commands[-1] == "EHLO mail.example.org"
        await send(hop, "b@x.example")
        assert set(stub.messages[0].xclient) == set(offered.split())
        assert stub.messages[0].xclient["ADDR"] == "192.0.2.9"
        assert stub.messages[0].xforward == {}


async def test_xclient_for_a_client_without_a_usable_helo() -> None:
    async with StubHop(extensions=["XCLIENT NAME ADDR HELO"]) as stub, talking_to(stub, Client("::1"), xclient=True):
        assert stub.commands[-1] == "EHLO gw.example"


@pytest.mark.parametrize("extensions", [[], ["XCLIENT NAME HELO"], ["XFORWARD NAME ADDR"]])
async def test_without_xclient_nobody_is_relayed_as_us(extensions: list[str]) -> None:
    async with StubHop(extensions=extensions) as stub:
        with pytest.raises(HopError) as caught:
            async with talking_to(stub, xclient=True):
                pass
        assert caught.value.reply.wire.startswith(b"451 4.4.0")
        assert stub.commands == ["EHLO gw.example"]


@pytest.mark.parametrize("refusal", ["554 5.7.1 Client host rejected", "421 4.7.0 Too many connections from 192.0.2.9"])
async def test_a_refusal_of_the_client_itself_is_passed_on(refusal: str) -> None:
    async with StubHop({"XCLIENT": refusal}, extensions=["XCLIENT NAME ADDR"]) as stub:
        with pytest.raises(HopError) as caught:
            async with talking_to(stub, xclient=True):
                pass
        assert caught.value.reply == Reply.of(refusal)


@pytest.mark.parametrize("refusal", ["550 5.7.0 Error: insufficient authorization", "501 5.5.4 Bad ADDR syntax"])
async def test_a_refusal_of_the_command_is_our_trouble_and_costs_no_mail(refusal: str) -> None:
    async with StubHop({"XCLIENT": refusal}, extensions=["XCLIENT NAME ADDR"]) as stub:
        with pytest.raises(HopError, match=refusal) as caught:
            async with talking_to(stub, xclient=True):
                pass
        assert caught.value.reply.wire.startswith(b"451 4.4.0")


@pytest.mark.parametrize("extensions", [["PIPELINING"], []], ids=["pipelined", "stepwise"])
async def test_xforward_names_the_client_of_each_transaction(extensions: list[str]) -> None:
    async with StubHop(extensions=[*extensions, f"XFORWARD {ALL_ATTRIBUTES}"]) as stub, talking_to(stub) as hop:
        hop.introduce(STRANGER, "ABC")
        await hop.transact(ENVELOPE, [b"x\r\n"])
        hop.introduce(Client("2001:db8::5"), "DEF")
        await hop.transact(ENVELOPE, [b"x\r\n"])
        first, second = stub.messages
        assert (first.xforward["ADDR"], first.xforward["IDENT"]) == ("192.0.2.9", "ABC")
        assert (second.xforward["ADDR"], second.xforward["IDENT"]) == ("IPV6:2001:db8::5", "DEF")
        assert second.xforward["NAME"] == "[UNAVAILABLE]"


async def test_a_refused_xforward_costs_only_the_hops_log() -> None:
    async with (
        StubHop({"XFORWARD": "550 5.7.0 Not you"}, extensions=["XFORWARD NAME ADDR"]) as stub,
        talking_to(stub) as hop,
    ):
        assert (await send(hop, "b@x.example"))[0].positive
        assert stub.messages[0].xforward == {}


# ---- the first recipient together with MAIL


async def sees_rcpt(conversation: Conversation) -> None:
    assert conversation.buffer.startswith(b"RCPT TO:<b@x.example>\r\n")


async def test_a_recipient_goes_along_with_mail_and_is_answered_in_its_turn() -> None:
    script = {"MAIL": (sees_rcpt, "250 2.1.0 Ok"), "RCPT": "251 2.1.5 The hop's own word"}
    async with StubHop(script) as stub, talking_to(stub) as hop:
        assert (await hop.mail("a@x.example", ahead=Recipient("b@x.example"))).positive
        assert (await hop.rcpt(Recipient("b@x.example"))).code == 251
        await hop.rcpt(Recipient("c@x.example"))
        assert (await hop.data([b"x\r\n"]))[0].positive
        assert stub.messages[0].recipients == ["b@x.example", "c@x.example"]


async def test_without_pipelining_no_recipient_goes_along() -> None:
    async with StubHop(extensions=[]) as stub, talking_to(stub) as hop:
        await hop.mail("a@x.example", ahead=Recipient("b@x.example"))
        assert stub.commands[-1] == "MAIL FROM:<a@x.example>"
        assert (await hop.rcpt(Recipient("b@x.example"))).positive
        assert (await hop.data([b"x\r\n"]))[0].positive


@pytest.mark.parametrize("asked", [False, True], ids=["nobody", "somebody else"])
async def test_a_recipient_who_went_along_and_is_not_asked_for_gets_nothing(asked: bool) -> None:
    async with StubHop() as stub, talking_to(stub) as hop:
        await hop.mail("a@x.example", ahead=Recipient("b@x.example"))
        with pytest.raises(HopError, match="sent ahead"):
            await (hop.rcpt(Recipient("c@x.example")) if asked else hop.data([b"x\r\n"]))
        assert not hop.usable
        assert stub.ended == []


async def test_a_recipient_who_went_along_is_forgotten_with_the_transaction() -> None:
    async with StubHop() as stub, talking_to(stub) as hop:
        await hop.mail("a@x.example", ahead=Recipient("b@x.example"))
        await hop.rset()
        assert (await send(hop, "c@x.example"))[0].positive
        assert [message.recipients for message in stub.messages] == [["c@x.example"]]


# ---- TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def server_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture(scope="module")
def client_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


async def test_tls_that_is_required_and_verified(
    server_context: ssl.SSLContext, client_context: ssl.SSLContext
) -> None:
    data = b"Subject: x\r\n\r\n" + b"0123456789\r\n" * 100_000
    async with (
        StubHop(tls=server_context) as stub,
        talking_to(stub, tls="require", tls_context=client_context) as hop,
    ):
        assert "STARTTLS" not in hop.extensions
        assert (await send(hop, "b@x.example", data=data))[0].positive
        assert stub.messages[0].tls
        assert stub.messages[0].data == data
        assert stub.commands[:3] == ["EHLO gw.example", "STARTTLS", "EHLO gw.example"]


async def test_opportunistic_tls_believes_any_certificate(server_context: ssl.SSLContext) -> None:
    async with StubHop(tls=server_context) as stub, talking_to(stub, tls="may") as hop:
        await send(hop, "b@x.example")
        assert stub.messages[0].tls


async def test_required_tls_believes_no_stranger(server_context: ssl.SSLContext) -> None:
    async with StubHop(tls=server_context) as stub:
        with pytest.raises(HopError, match="TLS handshake failed") as caught:
            async with talking_to(stub, tls="require"):
                pass
        assert caught.value.reply.code == 451


@pytest.mark.parametrize("script", [{}, {"STARTTLS": "454 4.7.0 Not now"}], ids=["not offered", "refused"])
async def test_opportunistic_tls_goes_on_without(script: dict[str, str]) -> None:
    async with (
        StubHop(script, extensions=["STARTTLS"] if script else []) as stub,
        talking_to(stub, tls="may") as hop,
    ):
        assert (await send(hop, "b@x.example"))[0].positive
        assert not stub.messages[0].tls


async def test_tls_is_left_alone_when_it_is_off(server_context: ssl.SSLContext) -> None:
    async with StubHop(tls=server_context) as stub, talking_to(stub):
        assert stub.commands == ["EHLO gw.example"]
