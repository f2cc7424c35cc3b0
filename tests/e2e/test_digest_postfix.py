"""Digests by a real Postfix into a mailbox, in each language, and the link in them: who looks changes nothing, who
clicks asks once."""

from __future__ import annotations

import email.header
import email.utils
import html
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.digest.wording import LANGUAGES
from gateway.samples import mail
from tests.e2e.conftest import STRANGER, Chain, edge_chain, running
from tests.e2e.talk import send
from tests.e2e.test_digest import body

HOSTILE = 'Rechnung 請求書 <b>now</b> https://evil.test/x "]('
LETTERS = [("alice", "en"), ("bob", "de"), ("carol", "ja")]


@pytest.fixture(scope="module")
def posting() -> Iterator[Chain]:
    """A gateway before a Postfix that has the mailboxes of the recipients."""
    chain = edge_chain()
    gateway = chain.gateway
    secret = gateway.folder / "secret"
    secret.write_text("5" * 64)
    secret.chmod(0o600)
    gateway.append(
        f'[notice]\nlink = "http://127.0.0.1:{gateway.http}/request"\nsecret = "secret"\n'
        '[digest]\ndomains = ["example.com"]\nsender = "macrogate@example.com"\nstate = "digest.json"\n'
        'language = "en"\n'
    )
    yield from running(lambda: chain)


def held_for(chain: Chain, user: str) -> str:
    """The number of a held message with a subject no mail program should make anything of."""
    message = mail.docm_autoopen_message("sender@outside.test", f"{user}@example.com")
    subject = email.header.Header(HOSTILE, "utf-8", maxlinelen=900).encode().encode()
    message = re.sub(rb"(?m)^Subject: [^\r]*", b"Subject: " + subject, message, count=1)
    return chain.held_id(send(chain.port, message, f"{user}@example.com", source=STRANGER))


def visit(url: str, method: str = "GET", **form: str) -> tuple[int, str]:
    """Status and page."""
    data = urllib.parse.urlencode(form).encode() if method == "POST" else None
    request = urllib.request.Request(url, data, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def letter_to(chain: Chain, user: str, language: str) -> tuple[Any, str, str]:
    """The digest Postfix has put into the mailbox: the message, its text and its page."""
    configuration = chain.gateway.configuration
    configuration.write_text(re.sub(r'language = "\w+"', f'language = "{language}"', configuration.read_text()))
    address = f"{user}@example.com"
    assert "1 sent" in chain.gateway.run("digest", "--to", address, "--now")
    message, text = body(chain.postfix.delivered(user, b"Auto-Submitted: auto-generated").replace(b"\n", b"\r\n"))
    assert chain.gateway.run("digest", "--to", address, "--now", expect=1).startswith("0 sent")
    return message, text, message.get_body(("html",)).get_content()


@pytest.mark.parametrize(("user", "language"), LETTERS)
def test_a_digest_arrives_and_its_link_asks_once(posting: Chain, user: str, language: str) -> None:
    held_id = held_for(posting, user)
    message, text, page = letter_to(posting, user, language)
    words = LANGUAGES[language]
    assert message["Subject"] == words.subject.format(count=1)
    assert email.utils.parseaddr(message["Return-Path"] or "<>")[1] == ""  # nothing bounces to anybody
    assert (message["To"], message["Precedence"]) == (f"{user}@example.com", "bulk")
    assert "X-Macrogate" not in message  # it was not filtered by us
    for shown in (text, html.unescape(page)):
        assert f"{words.number}: {held_id}" in shown
        assert "Rechnung 請求書 <b>now</b> hxxps://evil[.]test/x" in shown
    assert "<b>now" not in page

    link = re.search(rf"{re.escape(words.ask)}: (\S+)", text)
    assert link
    assert [html.unescape(href) for href in re.findall(r'href="([^"]*)"', page)] == [link[1]]
    token = urllib.parse.parse_qs(urllib.parse.urlsplit(link[1]).query)["request"][0]
    address = link[1].partition("?")[0]

    for method in ("HEAD", "GET", "GET"):  # a program that checks links
        status, shown = visit(link[1], method)
        assert (status, "<form" in shown) == (200, method == "GET")
    assert visit(f"{link[1]}&why=because&form=1")[0] == 200
    for method in ("PUT", "DELETE", "OPTIONS"):
        assert visit(link[1], method)[0] == 405
    assert visit(address, "POST", request=token[:-2] + ("aa" if token[-2:] != "aa" else "bb"), why="me")[0] == 409
    assert "requested" not in posting.gateway.run("quarantine", "show", held_id)

    status, shown = visit(address, "POST", request=token, why="es ist meins 私の")
    assert (status, "Asked" in shown) == (200, True)
    for again in ("", "please"):
        status, shown = visit(address, "POST", request=token, why=again)
        assert (status, "asked for already" in shown) == (409, True)
    (line,) = [line for line in posting.gateway.run("quarantine", "show", held_id).splitlines() if "requested" in line]
    assert f"{user}@example.com" in line
    assert len(posting.postfix.mailbox(user)) == 1
