"""The next hop of the demonstration: what it says it has taken is in the Maildir, as it came."""

import mailbox
from pathlib import Path

from gateway.cli.demo_hop import MaildirHop
from gateway.endpoint import Endpoint
from gateway.message import Client, Envelope, Recipient, Reply
from gateway.metrics import Metrics
from gateway.smtp.client import HopPool, HopSettings

ENVELOPE = Envelope("a@x.example", (Recipient("b@x.example"), Recipient("jörg@x.example")), "SMTPUTF8 BODY=8BITMIME")


async def deliver(hop: MaildirHop, address: str, envelope: Envelope, *messages: bytes) -> list[list[Reply]]:
    pool = HopPool(HopSettings(Endpoint.parse(address), "gw.example"), Metrics())
    try:
        return [await pool.deliver(envelope, Client(), [message]) for message in messages]
    finally:
        await pool.close()


async def test_messages_are_in_the_maildir_byte_for_byte(tmp_path: Path) -> None:
    hop = MaildirHop(tmp_path / "box")
    address = await hop.start()
    first = b"Subject: 1\r\n\r\n.dot\r\n" + b"long" * 50_000 + b"\r\n\xff\r\n"
    second = b"Subject: 2\r\n\r\n"
    replies = await deliver(hop, address, ENVELOPE, first, second)
    await hop.stop()
    assert all(reply.positive for each in replies for reply in each)
    assert [path.read_bytes() for path in hop.messages()] == [first, second]
    assert [(one.sender, one.recipients) for one in hop.delivered] == [
        ("a@x.example", ("b@x.example", "jörg@x.example"))
    ] * 2
    assert [one.path for one in hop.delivered] == hop.messages()
    assert list((tmp_path / "box" / "tmp").iterdir()) == []
    assert len(mailbox.Maildir(tmp_path / "box", create=False)) == 2


async def test_the_null_sender(tmp_path: Path) -> None:
    hop = MaildirHop(tmp_path)
    address = await hop.start()
    await deliver(hop, address, Envelope("", (Recipient("b@x.example"),)), b"Subject: bounce\r\n\r\n")
    await hop.stop()
    assert hop.delivered[0].sender == ""


async def test_a_message_that_cannot_be_written_is_put_off(tmp_path: Path) -> None:
    hop = MaildirHop(tmp_path)
    address = await hop.start()
    (tmp_path / "tmp").rmdir()
    ((reply, _),) = await deliver(hop, address, ENVELOPE, b"Subject: x\r\n\r\n")
    await hop.stop()
    assert reply.code == 452
    assert hop.messages() == []


async def test_stopping_closes_connections_that_are_open(tmp_path: Path) -> None:
    hop = MaildirHop(tmp_path)
    pool = HopPool(HopSettings(Endpoint.parse(await hop.start()), "gw.example"), Metrics())
    connection = await pool.acquire(Client())
    await hop.stop()
    assert not (await pool.deliver(ENVELOPE, Client(), [b"x\r\n"]))[0].positive
    connection.abort()
    await pool.close()
