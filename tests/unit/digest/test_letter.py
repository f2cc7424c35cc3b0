"""Letters, read as a mail program reads them."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.digest.letter import Row, Writer, digest, request
from gateway.digest.wording import LANGUAGES, PLACES, parse

NOW = datetime(2026, 11, 24, 7, 0, tzinfo=UTC)
WRITER = Writer("macrogate@example.com", "gate.example.com", LANGUAGES["en"], contact="the desk")
ROW = Row("0123456789abcdef", "Invoice", "Eve <eve@evil.example>", NOW, "It runs a macro", "https://m.example/r?t=1")


def read(letter: bytes) -> tuple[EmailMessage, str, str]:
    """The message, its text and its HTML."""
    assert b"\n" not in letter.replace(b"\r\n", b"")
    assert max(map(len, letter.split(b"\r\n"))) <= 998
    assert letter.isascii()
    message = email.message_from_bytes(letter, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    assert not any(part.defects for part in message.walk())
    texts = [part.get_content() for part in message.walk() if part.get_content_maintype() == "text"]
    return message, texts[0], texts[1] if len(texts) > 1 else ""


def test_a_digest_is_a_letter_no_program_answers() -> None:
    message, text, markup = read(digest(WRITER, "bob@example.com", [ROW], 1, NOW))
    assert message.get_content_type() == "multipart/alternative"
    assert message["To"] == "bob@example.com"
    assert message["From"] == "Macrogate <macrogate@example.com>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert str(message["Message-ID"]).endswith("@gate.example.com>")
    assert message["Date"].datetime == NOW
    assert message["Subject"] == "1 messages for you are held by the mail gateway"
    assert "https://m.example/r?t=1" in text
    assert "eve@evil[.]example" in text
    assert "the desk" in text
    assert '<a href="https://m.example/r?t=1">' in markup
    assert digest(WRITER, "bob@example.com", [], 1, NOW).count(b"digest.20261124.") == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_everything(language: str) -> None:
    words = LANGUAGES[language]
    assert parse(words.body) == words.body
    assert all("{" + place + "}" in words.body + words.subject for place in PLACES)
    writer = Writer("m@example.com", "gate.example.com", words)
    message, text, _ = read(digest(writer, "bob@example.com", [ROW], 51, NOW))
    assert "51" in str(message["Subject"])
    assert words.more.format(rest=50) in text
    assert "{" not in text


HOSTILE = "a\r\nBcc: victim@other.example\r\n\r\nhttp://evil.example/<script>alert(1)</script>{recipient}\u202e\ud800"


def test_nothing_a_stranger_wrote_is_structure_or_can_be_clicked() -> None:
    row = Row(ROW.held_id, HOSTILE, HOSTILE, NOW, HOSTILE)
    for letter in (
        digest(WRITER, "bob@example.com", [row], 1, NOW),
        request(WRITER, "soc@example.com", held_id="00", who=HOSTILE, why=HOSTILE, page="", more=0, now=NOW),
    ):
        message, text, markup = read(letter)
        assert "Bcc" not in message
        assert "http://" not in text + markup
        assert "<script" not in markup


@given(st.text(), st.text(), st.text())
def test_whatever_they_wrote_it_stays_one_letter(subject: str, sender: str, why: str) -> None:
    message, text, _ = read(digest(WRITER, "bob@example.com", [Row("00", subject, sender, NOW, why)], 1, NOW))
    assert len(message.keys()) == len(set(message.keys())) == 10
    assert "00" in text


def test_the_admin_is_told_who_and_where() -> None:
    page = "https://gate.example.com/quarantine/00"
    message, text, _ = read(
        request(WRITER, "soc@example.com", held_id="00", who="bob@x.test", why="please", page=page, more=3, now=NOW)
    )
    assert message["Subject"] == "A recipient asks for the held message 00"
    assert page in text
    assert "please" in text
    assert "3 more requests" in text


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        ("Hello", "one paragraph that is {messages}"),
        ("a {messages} b", "one paragraph that is {messages}"),
        ("{messages}\n\n{subject}", "placeholder that is unknown"),
        ("{messages}\n\n{count:>9}", "placeholder that is unknown"),
        ("{messages}\n\n{", "brace"),
        ("x" * 20_000, "longer"),
    ],
)
def test_a_template_that_cannot_be_is_told(template: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        parse(template)


def test_an_own_template_is_used() -> None:
    writer = Writer("m@example.com", "gate.example.com", LANGUAGES["en"], "Dear {recipient},\n\n{messages}\n\nBye.")
    _, text, _ = read(digest(writer, "bob@example.com", [ROW], 1, NOW))
    assert text.startswith("Dear bob@example.com,\r\n\r\n* Invoice\r\n")
