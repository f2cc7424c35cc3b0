"""Mailbox files: every message, and the one message it may be as well."""

from gateway.scan import sniff
from gateway.scan.containers import mbox
from tests.makers.looks import look
from tests.makers.mail import message, part, raw, single

LINE = b"From ada@example.com Mon Jan  5 10:00:00 2026\r\n"


def test_every_message_is_handed_on() -> None:
    messages = [LINE + single(b"one\r\n"), LINE + single(b"two\r\n"), LINE + raw("Subject: no MIME\n\nFrom here on\n")]
    data = b"\r\n".join(messages)
    assert sniff.sniff(data) == "mbox"
    handed = look(mbox.unpack, data).handed
    assert [name for name, _ in handed] == ["message 1", "message 2", "message 3"]
    assert [content.strip() for _, content in handed] == [one.strip() for one in messages]


def test_one_message_is_no_mailbox() -> None:
    assert sniff.sniff(LINE + single(b"one\r\n")) == "email"


def test_a_part_with_a_separator_in_it_is_handed_on_whole() -> None:
    inner = b"x" * 300 + b"\r\n" + LINE + b"X: y\r\n\r\n" + b"z" * 300
    data = LINE + message([part(inner, name="a.bin", coding="binary"), part(b"b")])
    assert ("1/a.bin", inner) in look(mbox.unpack, data).handed


def test_a_file_without_a_separator_has_no_messages():
    assert look(mbox.unpack, b"").handed == []
