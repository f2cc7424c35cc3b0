"""The verbs and the messages, over a real socket, against a next hop that answers at once."""

import asyncio

import pytest

from gateway.message import Client, Edits, Recipient, Reply, Transaction
from gateway.spool import Spool
from tests.unit.smtp.fakes import Deliver, World, stage
from tests.unit.smtp.test_protocol import ENDS, SMUGGLED

LOCAL = {"trusted_peers": ()}
BODY = b"Subject: x\r\n\r\nhello\r\n"


def trusting() -> dict[str, object]:
    from ipaddress import ip_network

    return {"trusted_peers": (ip_network("127.0.0.0/8"),)}


def keywords(reply: bytes) -> dict[str, str]:
    lines = [line[4:].decode() for line in reply.splitlines()]
    assert lines[0] == "mx.example"
    return dict(line.partition(" ")[::2] for line in lines[1:])


# ---- EHLO


async def test_ehlo_offers_what_the_next_hop_and_we_have_in_common() -> None:
    async with stage(World(), max_message_size=5_000) as at:
        client = await at.connect()
        await client.hear()
        found = keywords(await client.ask(b"EHLO client.example"))
    assert found == {
        "PIPELINING": "", "SIZE": "5000", "8BITMIME": "", "SMTPUTF8": "", "DSN": "", "ENHANCEDSTATUSCODES": ""
    }  # fmt: skip


async def test_ehlo_offers_little_where_the_next_hop_does() -> None:
    async with stage(World(extensions={"SIZE": "100", "CHUNKING": "", "AUTH": "PLAIN"})) as at:
        client = await at.connect()
        await client.hear()
        assert keywords(await client.ask(b"EHLO client.example")) == {"PIPELINING": "", "SIZE": "100"}


async def test_helo_offers_nothing_and_takes_no_parameters() -> None:
    async with stage(World()) as at:
        client = await at.greeted(b"HELO client.example")
        assert (await client.ask(b"MAIL FROM:<a@x> SIZE=1")).startswith(b"555 5.5.4")
        assert (await client.ask(b"MAIL FROM:<a@x>")).startswith(b"250")


async def test_xforward_and_xclient_are_offered_to_trusted_peers() -> None:
    async with stage(World(), **trusting()) as at:
        client = await at.connect()
        await client.hear()
        found = keywords(await client.ask(b"EHLO client.example"))
    assert found["XFORWARD"] == "NAME ADDR PORT PROTO HELO IDENT SOURCE"
    assert found["XCLIENT"] == "NAME ADDR PORT PROTO HELO"


# ---- MAIL and RCPT


async def test_paths_and_parameters_go_on_verbatim_and_replies_come_back_verbatim() -> None:
    mail = 'MAIL FROM:<"a b"@example.com> size=12 BODY=8BITMIME RET=HDRS ENVID=Q+2Bq'
    rcpt = "RCPT TO:<@r.example:U%x@Example.COM> NOTIFY=NEVER ORCPT=rfc822;u@x"
    refusal = Reply(550, (b"5.1.1 <x>: nobody", b"\xe2\x82\xac of that name"))
    world = World(answers={mail: Reply.of("250 2.1.0 Lovely"), rcpt: refusal})
    async with stage(world) as at:
        client = await at.greeted()
        assert await client.ask(mail.encode()) == b"250 2.1.0 Lovely\r\n"
        assert await client.ask(rcpt.encode()) == refusal.wire
    assert world.commands == [mail, rcpt]


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        (b"MAIL FROM:<a@x> SIZE=99999999999", b"552 5.3.4"),
        (b"MAIL FROM:<a@x> SIZE=-1", b"501 5.5.4"),
        (b"MAIL FROM:<a@x> SIZE=" + b"9" * 400, b"501 5.5.4"),
        (b"MAIL FROM:<a@x> SIZE", b"501 5.5.4"),
        (b"MAIL FROM:<a@x> BODY=BINARYMIME", b"501 5.5.4"),
        (b"MAIL FROM:<a@x> SMTPUTF8=yes", b"501 5.5.4"),
        (b"MAIL FROM:<a@x> REQUIRETLS", b"555 5.5.4"),
        (b"MAIL FROM:<a@x> NOTIFY=NEVER", b"555 5.5.4"),
        (b"MAIL FROM:<\xc3\xa4@x>", b"553 5.6.7"),
        (b"MAIL FROM:<\xe4@x> SMTPUTF8", b"553 5.6.7"),
        (b"MAIL FROM:a@x", b"501 5.1.7"),
        (b"MAIL", b"501 5.5.4"),
        (b"RCPT TO:<b@x>", b"503 5.5.1"),
        (b"DATA", b"503 5.5.1"),
    ],
)
async def test_what_never_reaches_the_next_hop(line: bytes, reply: bytes) -> None:
    world = World()
    async with stage(world) as at:
        client = await at.greeted()
        assert (await client.ask(line)).startswith(reply)
    assert world.commands == []


@pytest.mark.parametrize(
    ("parameter", "reply"),
    [(b"BODY=8BITMIME", b"555 5.5.4"), (b"SMTPUTF8", b"553 5.6.7"), (b"RET=FULL", b"555 5.5.4")],
)
async def test_an_extension_the_next_hop_lacks_is_not_accepted(parameter: bytes, reply: bytes) -> None:
    async with stage(World(extensions={})) as at:
        client = await at.greeted()
        assert (await client.ask(b"MAIL FROM:<a@x> " + parameter)).startswith(reply)


async def test_internationalized_addresses_pass_with_smtputf8_only() -> None:
    world = World()
    async with stage(world) as at:
        client = await at.greeted()
        await client.ask(b"MAIL FROM:<a@x>")
        assert (await client.ask("RCPT TO:<ä@x>".encode())).startswith(b"553 5.6.7")
        await client.ask(b"RSET")
        await client.ask("MAIL FROM:<ö@x> SMTPUTF8".encode())
        assert (await client.ask("RCPT TO:<ä@x>".encode())).startswith(b"250")
    assert world.commands[-2:] == ["MAIL FROM:<ö@x> SMTPUTF8", "RCPT TO:<ä@x>"]


@pytest.mark.parametrize(
    ("trusted", "auth", "sent"),
    [(False, True, "AUTH=<>"), (True, True, "AUTH=a+40x"), (False, False, ""), (True, False, "")],
)
async def test_nobody_is_believed_to_have_authenticated(trusted: bool, auth: bool, sent: str) -> None:
    world = World()
    world.extensions |= {"AUTH": "PLAIN"} if auth else {}
    async with stage(world, **(trusting() if trusted else LOCAL)) as at:
        client = await at.greeted()
        assert (await client.ask(b"MAIL FROM:<a@x> AUTH=a+40x SIZE=1")).startswith(b"250")
    assert world.commands == [f"MAIL FROM:<a@x> {sent} SIZE=1".replace("  ", " ")]


async def test_a_second_mail_and_mail_before_ehlo_are_out_of_order() -> None:
    async with stage(World()) as at:
        client = await at.connect()
        await client.hear()
        assert (await client.ask(b"MAIL FROM:<a@x>")).startswith(b"503 5.5.1")
        await client.ask(b"EHLO client.example")
        await client.ask(b"MAIL FROM:<>")
        assert (await client.ask(b"MAIL FROM:<>")).startswith(b"503 5.5.1")


async def test_recipients_of_another_policy_class_come_in_another_message() -> None:
    world = World(classes={"strict@x": "strict"}, answers={"RCPT TO:<strict@x>": Reply.of("550 5.1.1 no")})
    async with stage(world) as at:
        client = await at.greeted()
        await client.ask(b"MAIL FROM:<a@x>")
        assert (await client.ask(b"RCPT TO:<strict@x>")).startswith(b"550")  # refused: it fixes nothing
        world.answers.clear()
        assert (await client.ask(b"RCPT TO:<b@x>")).startswith(b"250")
        assert (await client.ask(b"RCPT TO:<strict@x>")).startswith(b"452 4.5.3")
        assert (await client.ask(b"RCPT TO:<c@x>")).startswith(b"250")
    assert world.commands == ["MAIL FROM:<a@x>", "RCPT TO:<strict@x>", "RCPT TO:<b@x>", "RCPT TO:<c@x>"]


async def test_lmtp_gets_one_recipient_a_message() -> None:
    async with stage(World(lmtp=True)) as at:
        client = await at.greeted()
        await client.ask(b"MAIL FROM:<a@x>")
        assert (await client.ask(b"RCPT TO:<b@x>")).startswith(b"250")
        assert (await client.ask(b"RCPT TO:<c@x>")).startswith(b"452 4.5.3")


async def test_too_many_recipients() -> None:
    world = World()
    async with stage(world, max_recipients=100) as at:
        client = await at.greeted()
        await client.say(b"MAIL FROM:<a@x>\r\n" + b"".join(b"RCPT TO:<%d@x>\r\n" % number for number in range(102)))
        replies = [await client.hear() for _ in range(103)]
    assert all(reply.startswith(b"250") for reply in replies[:101])
    assert all(reply.startswith(b"452 4.5.3") for reply in replies[101:])


# ---- DATA


async def test_a_message_arrives_byte_for_byte_with_its_envelope() -> None:
    world = World()
    body = b"Subject: x\r\n\r\n.\xff dot\r\n" + b"long" * 5_000 + b"\r\n"
    async with stage(world) as at:
        client = await at.greeted()
        await client.ask(b"MAIL FROM:<from@example.com> SIZE=7")
        await client.ask(b"RCPT TO:<to@example.com> NOTIFY=NEVER")
        assert (await client.data(body.replace(b"\r\n.", b"\r\n..") + b".\r\n")).startswith(b"250")
    assert world.delivered == [body]
    (transaction,) = world.transactions
    assert transaction.envelope.sender == "from@example.com"
    assert transaction.envelope.parameters == "SIZE=7"
    assert transaction.envelope.recipients == (Recipient("to@example.com", "NOTIFY=NEVER"),)
    assert transaction.size == len(body)
    assert (transaction.listener, len(transaction.id)) == ("smtp", 12)
    assert transaction.client == Client("127.0.0.1", transaction.client.port, helo="client.example")
    assert world.introduced == [(transaction.client, transaction.id)]


async def test_the_next_hops_word_at_the_dot_is_ours() -> None:
    refusal = Reply(550, (b"5.7.1 Spam", b"5.7.1 really"))
    async with stage(World(answers={"DATA": refusal})) as at:
        client = await at.greeted()
        await client.envelope()
        assert await client.data(BODY + b".\r\n") == refusal.wire


async def test_one_of_three_recipients_refused_and_the_message_still_goes_to_two() -> None:
    world = World(answers={"RCPT TO:<b@x>": Reply.of("451 4.2.1 later")})
    async with stage(world) as at:
        client = await at.greeted()
        await client.say(b"MAIL FROM:<>\r\nRCPT TO:<a@x>\r\nRCPT TO:<b@x>\r\nRCPT TO:<c@x>\r\nDATA\r\n")
        assert [(await client.hear())[:3] for _ in range(5)] == [b"250", b"250", b"451", b"250", b"354"]
        await client.say(BODY + b".\r\n")
        assert (await client.hear()).startswith(b"250")
    assert [recipient.address for recipient in world.transactions[0].envelope.recipients] == ["a@x", "c@x"]


async def test_data_without_a_recipient_is_refused_before_the_message() -> None:
    world = World(answers={"RCPT TO:<to@example.com>": Reply.of("550 5.1.1 nobody")})
    async with stage(world) as at:
        client = await at.greeted()
        await client.ask(b"MAIL FROM:<>")
        await client.ask(b"RCPT TO:<to@example.com>")
        assert (await client.ask(b"DATA")).startswith(b"554 5.5.1")
    assert world.transactions == []


@pytest.mark.parametrize("step", [1, 7, 100_000])
@pytest.mark.parametrize("name", ENDS)
async def test_smuggling_into_us_makes_one_message_or_none(name: str, step: int) -> None:
    world = World()
    sent = b"Subject: x\r\n\r\nbody" + ENDS[name] + SMUGGLED + b".\r\nNOOP\r\n"
    async with stage(world) as at:
        client = await at.greeted()
        await client.envelope()
        await client.ask(b"DATA")
        for start in range(0, len(sent), step):
            await client.say(sent[start : start + step])
        reply = await client.hear()
        assert await client.hear() == b"250 2.0.0 Ok\r\n"
    if "nul" in name:
        assert reply.startswith(b"554 5.6.0")
        assert world.delivered == []
    else:
        assert reply.startswith(b"250")
        assert len(world.delivered) == 1
    assert [command for command in world.commands if command.startswith("MAIL")] == ["MAIL FROM:<from@example.com>"]


async def test_bare_newlines_are_normalised_before_anything_is_scanned() -> None:
    world = World()
    async with stage(world) as at:
        client = await at.greeted()
        await client.envelope()
        await client.data(b"Subject: a\nX-Evil: b\rc\r\r\n\r\nx\r\n.\r\n")
    assert world.delivered == [b"Subject: a\r\nX-Evil: b c \r\n\r\nx\r\n"]


async def test_bare_newlines_refused_where_the_setting_says_so_and_read_to_the_real_dot() -> None:
    world = World()
    async with stage(world, bare_newline="reject") as at:
        client = await at.greeted()
        await client.envelope()
        assert (await client.data(b"a\n.\nMAIL FROM:<evil@x>\r\nb\r\n.\r\n")).startswith(b"550 5.5.2")
        assert await client.ends()
    assert world.transactions == []
    assert len(world.commands) == 2


async def test_an_oversize_message_is_read_to_the_real_dot_without_being_kept() -> None:
    world = World()
    kept: list[Spool] = []
    world.spool = lambda: kept.append(Spool()) or kept[-1]  # type: ignore[func-returns-value]
    async with stage(world, max_message_size=1_000) as at:
        client = await at.greeted()
        await client.envelope()
        fake_end = b"\r\n.\nMAIL FROM:<evil@x>\r\n..\r\n"
        assert (await client.data(b"x" * 900 + fake_end + b"y" * 300_000 + b"\r\n.\r\n")).startswith(b"552 5.3.4")
        await client.envelope()
        assert (await client.data(BODY + b".\r\n")).startswith(b"250")
    assert world.delivered == [BODY]
    assert kept[0].size < 1_000


async def test_a_message_of_exactly_the_size_allowed_passes() -> None:
    world = World()
    async with stage(world, max_message_size=len(BODY)) as at:
        client = await at.greeted()
        await client.envelope()
        assert (await client.data(BODY + b".\r\n")).startswith(b"250")


class CountedSpool(Spool):
    """How many are open."""

    number = 0

    def __init__(self) -> None:
        super().__init__()
        CountedSpool.number += 1

    def close(self) -> None:
        super().close()
        CountedSpool.number -= 1


@pytest.mark.parametrize("body", [BODY, b"a\0b\r\n", b"x" * 2_000_000 + b"\r\n", b"Received: x\r\n" * 100])
async def test_no_spool_is_left_open(body: bytes) -> None:
    CountedSpool.number = 0
    async with stage(World(spool=CountedSpool), max_message_size=1_500_000) as at:
        client = await at.greeted()
        await client.envelope()
        await client.data(body + b".\r\n")
        await client.envelope()
        await client.ask(b"DATA")
        await client.say(body)
        client.reset()
        await at.sessions_end()
    assert CountedSpool.number == 0


class FullDisk(Spool):
    def write(self, data: bytes | bytearray | memoryview) -> None:
        raise OSError(28, "No space left on device")


async def test_no_space_for_a_message_is_told_at_its_end() -> None:
    world = World(spool=FullDisk)
    async with stage(world) as at:
        client = await at.greeted()
        await client.envelope()
        assert (await client.data(BODY + b".\r\n")).startswith(b"452 4.3.1")
        assert (await client.ask(b"NOOP")).startswith(b"250")
    assert world.transactions == []
    assert world.events("spool-failed")


async def test_no_spool_at_all_is_told_before_the_message() -> None:
    def none() -> Spool:
        raise OSError(24, "Too many open files")

    async with stage(World(spool=none)) as at:
        client = await at.greeted()
        await client.envelope()
        assert (await client.ask(b"DATA")).startswith(b"452 4.3.1")


@pytest.mark.parametrize(
    ("header", "reply"),
    [
        (b"Received: x\r\n" * 99, b"250"),
        (b"Received: x\r\n" * 100, b"554 5.4.6"),
    ],
)
async def test_a_mail_loop_ends_here(header: bytes, reply: bytes) -> None:
    async with stage(World()) as at:
        client = await at.greeted()
        await client.envelope()
        assert (await client.data(header + b"\r\nx\r\n.\r\n")).startswith(reply)


async def test_a_bug_in_the_pipeline_defers_the_message_and_tells_nothing() -> None:
    async def bug(transaction: Transaction, content: Spool, deliver: Deliver) -> Reply:
        raise RuntimeError("secret")

    world = World(verdict=bug)
    async with stage(world) as at:
        client = await at.greeted()
        await client.envelope()
        reply = await client.data(BODY + b".\r\n")
        assert reply.startswith(b"451 4.3.0")
        assert b"secret" not in reply
        assert (await client.ask(b"NOOP")).startswith(b"250")
    assert "secret" in world.events("message-error")[0]["error"]


async def test_a_message_that_was_not_delivered_is_reset_at_the_next_hop() -> None:
    async def hold(transaction: Transaction, content: Spool, deliver: Deliver) -> Reply:
        return Reply.of("250 2.0.0 Held")

    world = World(verdict=hold, xclient=True)
    async with stage(world) as at:
        client = await at.greeted()
        await client.envelope()
        assert await client.data(BODY + b".\r\n") == b"250 2.0.0 Held\r\n"
        await client.ask(b"NOOP")
        assert world.commands[-1] == "RSET"
        assert world.delivered == []


async def test_a_thousand_messages_in_one_session() -> None:
    world = World()
    async with stage(world) as at:
        client = await at.greeted()
        one = b"MAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n"
        for _ in range(1_000):
            await client.say(one)
            assert [(await client.hear())[:3] for _ in range(3)] == [b"250", b"250", b"354"]
            await client.say(BODY + b".\r\n")
            assert (await client.hear()).startswith(b"250")
    assert len(world.delivered) == 1_000
    assert world.hops.released == len(world.hops.acquired)


# ---- the client goes away


async def test_a_client_that_leaves_in_the_middle_has_sent_nothing() -> None:
    world = World()
    async with stage(world) as at:
        client = await at.greeted()
        await client.envelope()
        await client.ask(b"DATA")
        await client.say(BODY)
        client.writer.close()
        await at.sessions_end()
    assert world.transactions == []
    assert world.hops.released == len(world.hops.acquired)
    assert world.ended("dropped") == 1


class Slow:
    """A scan that takes as long as the test wants."""

    def __init__(self) -> None:
        self.begun, self.go_on, self.done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def __call__(self, transaction: Transaction, content: Spool, deliver: Deliver) -> Reply:
        self.begun.set()
        await self.go_on.wait()
        reply = await deliver(Edits())
        self.done.set()
        return reply


async def test_a_message_past_its_dot_is_finished_without_its_client() -> None:
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
        slow.go_on.set()
        async with asyncio.timeout(5):
            await slow.done.wait()
    assert world.delivered == [BODY]
    assert world.events("client-gone")[0]["reply"].startswith("250")
    assert world.hops.released == len(world.hops.acquired)
    assert world.ended("dropped") == 1


async def test_a_client_that_closes_without_quit_is_logged_as_gone() -> None:
    slow = Slow()
    world = World(verdict=slow)
    async with stage(world) as at:
        client = await at.greeted()
        await client.envelope()
        await client.ask(b"DATA")
        await client.say(BODY + b".\r\n")
        client.writer.write_eof()
        await slow.begun.wait()
        await at.client_has_closed()
        slow.go_on.set()
        assert (await client.hear()).startswith(b"250")
        await at.sessions_end()
    assert world.delivered == [BODY]
    assert world.events("client-gone")


async def test_a_client_may_close_its_half_after_a_pipelined_quit() -> None:
    world = World()
    async with stage(world) as at:
        client = await at.greeted()
        await client.envelope()
        await client.ask(b"DATA")
        await client.say(BODY + b".\r\nQUIT\r\n")
        client.writer.write_eof()
        assert (await client.hear()).startswith(b"250")
        assert (await client.hear()).startswith(b"221")
        assert await client.ends()
    assert world.delivered == [BODY]
    assert world.events("client-gone") == []
    assert world.ended("quit") == 1


# ---- the next hop's client


async def test_xforward_names_the_client_of_one_message() -> None:
    world = World()
    async with stage(world, **trusting()) as at:
        client = await at.greeted()
        assert (await client.ask(b"XFORWARD NAME=a.example ADDR=192.0.2.1 PORT=99")).startswith(b"250")
        assert (await client.ask(b"XFORWARD PROTO=ESMTP HELO=h.example IDENT=1 SOURCE=REMOTE")).startswith(b"250")
        await client.envelope()
        assert (await client.ask(b"XFORWARD NAME=b.example")).startswith(b"503")
        await client.data(BODY + b".\r\n")
        await client.envelope()
        await client.data(BODY + b".\r\n")
    first, second = (transaction.client for transaction in world.transactions)
    assert first == Client("192.0.2.1", 99, "a.example", "h.example", "ESMTP")
    assert second.address == "127.0.0.1"


async def test_rset_forgets_xforward() -> None:
    world = World()
    async with stage(world, **trusting()) as at:
        client = await at.greeted()
        await client.ask(b"XFORWARD ADDR=IPV6:2001:db8::1")
        await client.ask(b"RSET")
        await client.envelope()
    assert world.introduced[0][0].address == "127.0.0.1"


async def test_xclient_begins_the_session_again() -> None:
    world = World(xclient=True)
    async with stage(world, **trusting()) as at:
        client = await at.greeted()
        reply = await client.ask(b"XCLIENT NAME=[UNAVAILABLE] ADDR=IPV6:2001:db8::1 PROTO=SMTP HELO=h.example")
        assert reply.startswith(b"220 mx.example")
        assert (await client.ask(b"MAIL FROM:<a@x>")).startswith(b"503")
        await client.ask(b"EHLO other.example")
        await client.envelope()
        await client.data(BODY + b".\r\n")
    assert world.transactions[0].client.address == "2001:db8::1"
    assert [used.address for used in world.hops.acquired] == ["127.0.0.1", "2001:db8::1"]


@pytest.mark.parametrize("line", [b"XCLIENT ADDR=127.0.0.1", b"XFORWARD ADDR=127.0.0.1"])
async def test_a_stranger_behind_a_trusted_proxy_speaks_for_nobody(line: bytes) -> None:
    async with stage(World(xclient=True), **trusting()) as at:
        client = await at.greeted()
        await client.ask(b"XCLIENT ADDR=192.0.2.9")
        assert b"XCLIENT" not in await client.ask(b"EHLO stranger.example")
        assert (await client.ask(line)).startswith(b"550 5.7.0")


async def test_xclient_without_an_address_changes_no_trust() -> None:
    async with stage(World(xclient=True), **trusting()) as at:
        client = await at.greeted()
        await client.ask(b"XCLIENT NAME=a.example")
        assert b"XCLIENT" in await client.ask(b"EHLO again.example")
        await client.ask(b"XCLIENT ADDR=[UNAVAILABLE]")
        assert b"XCLIENT" not in await client.ask(b"EHLO unknown.example")


@pytest.mark.parametrize("line", [b"XCLIENT ADDR=127.0.0.1 LOGIN=admin", b"XFORWARD NAME=a"])
async def test_strangers_speak_for_nobody(line: bytes) -> None:
    world = World()
    async with stage(world) as at:
        client = await at.greeted()
        assert (await client.ask(line)).startswith(b"550 5.7.0")
        await client.envelope()
    assert world.introduced[0][0].address == "127.0.0.1"


# ---- verbs


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        (b"NOOP ignored", b"250 2.0.0"),
        (b"RSET", b"250 2.0.0"),
        (b"RSET now", b"501 5.5.4"),
        (b"QUIT now", b"501 5.5.4"),
        (b"DATA now", b"501 5.5.4"),
        (b"VRFY root", b"252 2.0.0"),
        (b"VRFY", b"501 5.5.4"),
        (b"EXPN staff", b"502 5.5.1"),
        (b"ETRN x", b"502 5.5.1"),
        (b"TURN", b"502 5.5.1"),
        (b"HELP", b"214 2.0.0"),
        (b"AUTH PLAIN AGEAYg==", b"502 5.5.1"),
        (b"STARTTLS", b"502 5.5.1"),
        (b"LHLO x", b"500 5.5.2"),
        (b"FOO", b"500 5.5.2"),
        (b"", b"500 5.5.2"),
        (b"EHLO", b"501 5.5.4"),
        (b"EHLO \xc3\xa4", b"501 5.5.2"),
    ],
)
async def test_the_other_verbs(line: bytes, reply: bytes) -> None:
    async with stage(World()) as at:
        client = await at.greeted()
        assert (await client.ask(line)).startswith(reply)
        assert (await client.ask(b"NOOP")).startswith(b"250")


@pytest.mark.parametrize(
    ("lines", "reply"),
    [
        (b"BDAT 40 LAST\r\nRSET\r\nMAIL FROM:<a@x>\r\n", b"502 5.5.1"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"502 5.7.0"),
        (b"POST / HTTP/1.1\r\n\r\nEHLO x\r\nMAIL FROM:<a@x>\r\n", b"502 5.7.0"),
        (b"NOOP\nNOOP\r\n", b"500 5.5.2"),
        (b"MAIL FROM:<a@x>\nRCPT TO:<z@x>\r\n", b"500 5.5.2"),
        (b"MAIL FROM:<a\r@x>\r\nNOOP\r\n", b"501 5.5.2"),
        (b"NO\0OP\r\nNOOP\r\n", b"501 5.5.2"),
        (b"EHLO x\r\nMAIL FROM:<a@x>\r\n", b"554 5.5.0"),
    ],
)
async def test_one_reply_and_no_more(lines: bytes, reply: bytes) -> None:
    world = World()
    async with stage(world) as at:
        client = await at.greeted()
        await client.say(lines)
        assert (await client.hear()).startswith(reply)
        assert await client.ends()
    assert world.commands == []
    assert world.events("session-refused")


async def test_a_message_sent_ahead_of_354_is_never_read_as_commands() -> None:
    world = World()
    async with stage(world) as at:
        client = await at.greeted()
        await client.envelope()
        await client.say(b"DATA\r\nQUIT\r\nMAIL FROM:<evil@x>\r\n.\r\n")
        assert (await client.hear()).startswith(b"554 5.5.0")
        assert await client.ends()
    assert len(world.commands) == 2


async def test_errors_and_idle_chatter_come_to_an_end() -> None:
    async with stage(World(), max_errors=3, max_junk=10) as at:
        client = await at.greeted()
        assert [(await client.ask(b"FOO"))[:3] for _ in range(3)] == [b"500", b"500", b"421"]
        assert await client.ends()
        client = await at.greeted()
        assert [(await client.ask(b"NOOP"))[:3] for _ in range(10)] == [b"250"] * 9 + [b"421"]
        assert await client.ends()


async def test_mail_makes_up_for_chatter() -> None:
    async with stage(World(), max_junk=5) as at:
        client = await at.greeted()
        for _ in range(4):
            assert (await client.ask(b"NOOP")).startswith(b"250")
            await client.ask(b"RSET")
            await client.envelope()
            assert (await client.data(BODY + b".\r\n")).startswith(b"250")


@pytest.mark.parametrize("length", [1_000, 2_049, 3 << 20])
async def test_an_overlong_line_of_text_passes_octet_by_octet(length: int) -> None:
    world = World()
    message = b"Subject: x\r\n\r\n" + b"a" * length + b".\r\nend\r\n"
    async with stage(world) as at:
        client = await at.greeted()
        await client.envelope()
        assert (await client.data(message + b".\r\n")).startswith(b"250")
    assert world.delivered == [message]
