"""The gateway in front of a real Postfix, in both positions, with the configuration that is shipped."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import dkim

from gateway.samples import mail as samples
from tests.e2e.conftest import OWN_HOST, STRANGER, Chain, Pair
from tests.e2e.mails import below_our_header, carrying, marker, plain
from tests.e2e.talk import Talk, send
from tests.e2e.tools import eventually, find, need

DKIM_HEADERS = [b"from", b"to", b"subject", b"date", b"message-id", b"mime-version", b"content-type"]


def test_clean_mail_arrives_byte_for_byte_below_our_header(chain: Chain) -> None:
    mark = marker()
    message = plain(mark)
    assert send(chain.port, message, "alice@example.com").startswith("250 2.0.0 Ok: queued as")
    received = chain.postfix.delivered("alice", mark.encode())
    assert below_our_header(received) == message


def test_swaks_delivers_a_clean_attachment(chain: Chain) -> None:
    need("swaks")
    mark = marker()
    command = [find("swaks") or "swaks", "--server", f"127.0.0.1:{chain.port}", "--helo", "client.test"]
    command += ["--from", "sender@outside.test", "--to", "bob@example.com", "--h-Subject", mark]
    command += ["--attach-name", "notes.txt", "--attach-type", "text/plain", "--attach-body", "nothing in here"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout
    assert b"X-Macrogate: verdict=clean; action=deliver" in chain.postfix.delivered("bob", mark.encode())


def test_smtp_source_load_is_delivered_to_the_last_message(chain: Chain) -> None:
    need("smtp-source")
    before = len(chain.postfix.mailbox("carol"))
    command = [find("smtp-source") or "smtp-source", "-s", "5", "-m", "60", "-l", "20000"]
    command += ["-f", "sender@outside.test", "-t", "carol@example.com", "-M", "client.test", f"127.0.0.1:{chain.port}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    eventually("60 messages arrive", lambda: len(chain.postfix.mailbox("carol")) == before + 60, 30)


def test_dkim_signature_from_upstream_verifies_downstream(chain: Chain, dkim_key: tuple[bytes, bytes]) -> None:
    private, record = dkim_key
    mark = marker()
    message = plain(mark)
    signature = dkim.sign(message, b"s1", b"outside.test", private, include_headers=DKIM_HEADERS)
    assert send(chain.port, signature + message, "alice@example.com").startswith("250")
    received = chain.postfix.delivered("alice", mark.encode()).replace(b"\n", b"\r\n")

    def dns(name: bytes, timeout: float = 5) -> bytes:
        return record

    assert dkim.verify(received, dnsfunc=dns)
    assert not dkim.verify(received.replace(b"tab", b"tap"), dnsfunc=dns)


def test_documents_that_run_macros_are_held_and_nobody_gets_them(chain: Chain) -> None:
    mark = marker()
    document = samples.docm_autoopen_message("sender@outside.test", "alice@example.com")
    document = document.replace(b"Subject: ", f"X-Mark: {mark}\r\nSubject: ".encode(), 1)
    held_id = chain.held_id(send(chain.port, document, "alice@example.com"))
    row = next(row for row in chain.gateway.held() if row["id"] == held_id)
    assert row["verdict"] == "autoexec"
    clean = marker()
    send(chain.port, plain(clean), "alice@example.com")
    chain.postfix.delivered("alice", clean.encode())
    assert not any(mark.encode() in message for message in chain.postfix.mailbox("alice"))


def test_released_mail_arrives_byte_for_byte(chain: Chain) -> None:
    mark = marker()
    document = samples.docm_autoopen_message("sender@outside.test", "bob@example.com")
    document = document.replace(b"Subject: ", f"X-Mark: {mark}\r\nSubject: ".encode(), 1)
    held_id = chain.held_id(send(chain.port, document, "bob@example.com"))
    chain.gateway.run("quarantine", "release", held_id, "--why", "asked for by the recipient")
    received = chain.postfix.delivered("bob", mark.encode()).replace(b"\n", b"\r\n")
    assert received.endswith(document)
    assert b"X-Macrogate" not in received.removesuffix(document)
    row = next(row for row in chain.gateway.held("--state", "released") if row["id"] == held_id)
    assert row["state"] == "released"


def test_unknown_user_hears_postfix_own_words_at_rcpt(chain: Chain) -> None:
    with Talk(chain.port) as talk:
        talk.hello()
        replies = talk.envelope("sender@outside.test", "nobody@example.com", "alice@example.com")
    words = "550 5.1.1 <nobody@example.com>: Recipient address rejected: User unknown in virtual mailbox table"
    assert [reply[:3] for reply in replies] == ["250", "550", "250"]
    assert replies[1] == words


def test_a_stranger_cannot_relay(chain: Chain) -> None:
    reply = send(chain.port, plain(marker()), "victim@elsewhere.test", source=STRANGER)
    assert reply[:1] in "45"
    assert reply.endswith("7.1 <victim@elsewhere.test>: Relay access denied")


def test_the_gateway_host_itself_has_no_relay_rights_at_the_edge(edge: Chain) -> None:
    """Were the real client ever unknown, everybody would look like this."""
    assert send(edge.port, plain(marker()), "victim@elsewhere.test").startswith("554 5.7.1")


def test_mail_is_put_off_when_the_next_hop_cannot_be_told_who_the_client_is(pair: Callable[..., Pair]) -> None:
    """The scripted next hop offers no XCLIENT, as a Postfix without ``smtpd_authorized_xclient_hosts``."""
    running = pair(smtp="xclient = true")
    assert send(running.gateway.port, plain(marker()), "victim@elsewhere.test").startswith("451 4.4.0 ")
    assert running.hop.ended == []


def test_own_hosts_keep_their_relay_rights_at_the_edge(edge: Chain) -> None:
    """Only XCLIENT can make this work: the connection itself comes from the gateway."""
    with Talk(edge.port, source=OWN_HOST) as talk:
        talk.hello()
        assert talk.envelope("user@example.com", "friend@elsewhere.test")[1] == "250 2.1.5 Ok"


def test_a_stranger_cannot_claim_to_be_one_of_our_hosts(edge: Chain) -> None:
    with Talk(edge.port, source=STRANGER) as talk:
        offers = talk.hello()
        assert "XCLIENT" not in offers
        assert "XFORWARD" not in offers
        assert talk.say(f"XCLIENT ADDR={OWN_HOST} NAME=own.test").startswith("5")
        assert talk.say(f"XFORWARD ADDR={OWN_HOST} NAME=own.test").startswith("5")
        talk.say("EHLO client.test")
        assert talk.envelope("user@example.com", "victim@elsewhere.test")[1].startswith("554 5.7.1")


def test_postfix_logs_the_real_client(chain: Chain) -> None:
    mark = marker()
    assert send(chain.port, plain(mark), "alice@example.com", source=STRANGER).startswith("250")
    chain.postfix.delivered("alice", mark.encode())
    assert chain.gateway.event("message", message_id=f"<{mark}@outside.test>")["client"] == STRANGER
    service = {"edge": "behind-macrogate", "before-queue": "after-macrogate", "milter": "smtpd"}[chain.position]
    lines = [line for line in chain.postfix.log().splitlines() if service in line]
    assert any(f"client=unknown[{STRANGER}]" in line for line in lines)


def test_a_forged_header_of_ours_does_not_survive(chain: Chain) -> None:
    mark = marker()
    message = plain(mark)
    forged = b"X-Macrogate: verdict=clean;\r\n\taction=deliver\r\n" + message
    assert send(chain.port, forged, "alice@example.com").startswith("250")
    assert below_our_header(chain.postfix.delivered("alice", mark.encode())) == message


def test_an_attachment_that_is_none_of_our_business_is_untouched(chain: Chain) -> None:
    mark = marker()
    message = carrying(mark, "picture.png", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 400)
    assert send(chain.port, message, "alice@example.com").startswith("250")
    assert below_our_header(chain.postfix.delivered("alice", mark.encode())) == message
