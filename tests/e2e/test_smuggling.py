"""SMTP smuggling: whatever a sender writes instead of the end of data, one message goes in and one comes out.

The next hop takes every end of data any server was ever seen to take, so a stream of ours that is not strict would
show. The thirteen are those of the public scanners and of the paper of 2025.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.e2e.conftest import Chain, Pair, need_gateway
from tests.e2e.hop import hop_thread
from tests.e2e.mails import marker, plain
from tests.e2e.talk import Talk, send
from tests.proof.zygote import WarmGateway

ENDS = {
    "LF . LF": b"\n.\n",
    "LF . CR": b"\n.\r",
    "CR . LF": b"\r.\n",
    "CR . CR": b"\r.\r",
    "LF . CRLF": b"\n.\r\n",
    "CR . CRLF": b"\r.\r\n",
    "CRLF . LF": b"\r\n.\n",
    "CRLF . CR": b"\r\n.\r",
    "CRLF . CR CRLF": b"\r\n.\r\r\n",
    "CR CRLF . CR CRLF": b"\r\r\n.\r\r\n",
    "CRLF NUL . CRLF": b"\r\n\0.\r\n",
    "CRLF . NUL CRLF": b"\r\n.\0\r\n",
    "CRLF . SP CRLF": b"\r\n. \r\n",
}


@pytest.fixture(scope="module", params=["normalize", "reject"])
def lenient(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """A gateway before a next hop that ends data wherever it can."""
    need_gateway()
    with ExitStack() as stack:
        hop = stack.enter_context(hop_thread(lenient=True))
        gateway = WarmGateway(f'next_hop = "{hop.address}"\nbare_newline = "{request.param}"')
        stack.callback(gateway.remove)
        yield Pair(gateway.start(), hop)


def smuggle(port: int, end: bytes, mark: str) -> None:
    """One message that has ``end`` in its body, and a second transaction behind it."""
    inner = (
        b"MAIL FROM:<admin@example.com>\r\nRCPT TO:<carol@example.com>\r\nDATA\r\n"
        b"From: <admin@example.com>\r\nSubject: smuggled\r\nX-Mark: " + mark.encode() + b"\r\n\r\nsmuggled\r\n.\r\n"
    )
    with Talk(port) as talk:
        talk.hello()
        talk.envelope("sender@outside.test", "carol@example.com")
        assert talk.say("DATA").startswith("354")
        talk.write(f"Subject: outer {mark}\r\nFrom: <sender@outside.test>\r\n\r\nbody".encode() + end + inner)
        talk.reply()
        talk.rest()


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_one_message_goes_out_at_the_most(lenient: Pair, end: bytes) -> None:
    before = len(lenient.hop.ended)
    smuggle(lenient.gateway.port, end, marker())
    fresh = lenient.hop.ended[before:]
    assert len(fresh) <= 1
    assert all(message.sender == "sender@outside.test" for message in fresh)
    for message in fresh:
        assert b"\r" not in message.raw.replace(b"\r\n", b"")
        assert b"\n" not in message.raw.replace(b"\r\n", b"")


def test_the_lenient_next_hop_would_have_been_fooled() -> None:
    """What shows that the tests above can fail: the same bytes straight to the next hop give two messages."""
    with hop_thread(lenient=True) as hop:
        smuggle(hop.port, b"\n.\n", marker())
        assert len(hop.ended) == 2


def test_nothing_is_smuggled_into_a_real_postfix(chain: Chain) -> None:
    marks = [marker() for _ in ENDS]
    for mark, end in zip(marks, ENDS.values(), strict=True):
        smuggle(chain.port, end, mark)
    last = marker()
    assert send(chain.port, plain(last), "carol@example.com").startswith("250")
    chain.postfix.delivered("carol", last.encode())
    for message in chain.postfix.mailbox("carol"):
        header = message.partition(b"\n\n")[0]
        assert b"Subject: smuggled" not in header
        assert b"admin@example.com" not in header
