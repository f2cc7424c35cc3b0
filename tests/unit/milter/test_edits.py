"""Splices said in the milter protocol leave the MTA with the same bytes as the proxy sends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.message import Edits, Span, Splice
from gateway.milter.edits import Untranslatable, translate
from gateway.milter.incoming import Incoming
from gateway.milter.packets import Body, Event, Header
from gateway.milter.protocol import BODY_PIECE, Milter
from gateway.spool import Spool
from tests.stubs import mta

HEAD = b"Subject: one\r\nX-Same: a\r\nx-same:b\r\nX-Folded: c\r\n d\r\n\te\r\nX-Same: f\r\n"
BODY = b"body\r\nmore\r\n"
MESSAGE = HEAD + b"\r\n" + BODY
START = [0, 14, 25, 35, 56]


def received(message: bytes) -> Incoming:
    """``message`` as it is after it has come in packets."""
    incoming = Incoming(Spool, 1 << 30)
    for event in Milter().receive(mta.negotiation() + mta.client() + mta.envelope() + mta.content(message)):
        match event:
            case Header():
                incoming.header(event)
            case Event.END_OF_HEADER:
                incoming.end_of_header()
            case Body():
                incoming.body(event.octets)
    return incoming


def edited(message: bytes, *splices: Splice) -> bytes:
    """The MTA's copy after the edits."""
    incoming = received(message)
    copy = mta.Copy.of(message)
    for packet in translate(incoming, Edits(splices)):
        copy.edit(packet[4:5], packet[5:])
    return copy.below_own


def spliced(message: bytes, *splices: Splice) -> bytes:
    """What the proxy would send."""
    return b"".join(Spool.of(message).chunks(Edits(splices)))


def splice(start: int, end: int, replacement: bytes) -> Splice:
    return Splice(Span(start, end), replacement)


def test_the_fields_are_where_they_are_thought_to_be() -> None:
    assert list(received(MESSAGE).starts) == START
    assert received(MESSAGE).header_end == len(HEAD)
    assert b"".join(received(MESSAGE).spool.chunks()) == MESSAGE


CHANGES = {
    "our line on top": [splice(0, 0, b"X-Macrogate: verdict=clean\r\n")],
    "two lines on top": [splice(0, 0, b"X-Macrogate: a\r\n"), splice(0, 0, b"Subject: b\r\n")],
    "a forged line out": [splice(0, 0, b"X-Top: 1\r\n"), splice(25, 35, b"")],
    "every line of a name out": [splice(14, 25, b""), splice(25, 35, b""), splice(56, len(HEAD), b"")],
    "all of the header out": [splice(a, b, b"") for a, b in zip(START, [*START[1:], len(HEAD)], strict=True)],
    "a prefix in the subject": [splice(9, 9, b"[macros] ")],
    "another value": [splice(35, 56, b"X-Folded: g\r\n  h\r\n")],
    "another name": [splice(35, 56, b"X-Other: g\r\n")],
    "three for one": [splice(35, 56, b"X-Folded: g\r\nContent-Type: a/b\r\nX-Third: 3\r\n")],
    "three others for one": [splice(35, 56, b"X-New: g\r\nContent-Type: a/b\r\nX-Third: 3\r\n")],
    "two at the bottom": [splice(len(HEAD), len(HEAD), b"X-Last: 1\r\nX-Very-Last: 2\r\n")],
    "before a field, and the field": [splice(25, 25, b"X-Before: 1\r\n"), splice(25, 35, b"")],
    "no value": [splice(35, 56, b"X-Folded:\r\n")],
    "body": [splice(len(HEAD) + 2, len(MESSAGE), b"notice\r\n")],
    "within the body": [splice(len(HEAD) + 6, len(HEAD) + 8, b"...")],
    "all at once": [
        splice(0, 0, b"X-Macrogate: a\r\n"),
        splice(9, 9, b"[x] "),
        splice(14, 25, b""),
        splice(35, 56, b"A: 1\r\nB: 2\r\n"),
        splice(len(HEAD), len(HEAD), b"C: 3\r\n"),
        splice(len(HEAD) + 2, len(HEAD) + 6, b"B" * 200000),
    ],
}


@pytest.mark.parametrize("name", CHANGES)
def test_the_mta_ends_up_with_what_the_proxy_sends(name: str) -> None:
    expected = spliced(MESSAGE, *CHANGES[name]).replace(b"X-Folded:\r\n", b"X-Folded: \r\n")
    assert edited(MESSAGE, *CHANGES[name]) == expected


@given(st.data())
def test_whatever_the_header_and_the_changes(data: st.DataObject) -> None:
    names = st.sampled_from([b"Subject", b"X-Macrogate", b"x-macrogate", b"Received", b"A"])
    values = st.sampled_from([b" v", b"", b"\tw", b" a\r\n b", b"  two  "])
    fields = data.draw(st.lists(st.tuples(names, values), max_size=8))
    lines = [name + b":" + value + b"\r\n" for name, value in fields]
    head, body = b"".join(lines), data.draw(st.binary(max_size=50).filter(lambda octets: b"\0" not in octets))
    message = head + b"\r\n" + body
    splices = []
    position = 0
    new = st.sampled_from([b"", b"N: 1\r\n", b"X-Macrogate: 2\r\n", b"Subject: 3\r\n 4\r\nB: 5\r\n"])
    for line in [*lines, b""]:
        if text := data.draw(new):
            splices.append(splice(position, position, text))
        if line and data.draw(st.booleans()):
            splices.append(splice(position, position + len(line), data.draw(new)))
        position += len(line)
    if data.draw(st.booleans()):
        splices.append(splice(len(head) + 2, len(message), data.draw(st.binary(min_size=1, max_size=9))))
    assert edited(message, *splices) == spliced(message, *splices)


def test_a_large_body_goes_in_pieces_and_is_replaced_first() -> None:
    incoming = received(MESSAGE)
    edits = Edits((splice(0, 0, b"X-Top: 1\r\n"), splice(len(HEAD) + 2, len(HEAD) + 2, b"x" * 200000)))
    packets = list(translate(incoming, edits))
    assert [packet[4:5] for packet in packets] == [b"b", b"b", b"b", b"b", b"b", b"i"]
    assert max(map(len, packets)) == BODY_PIECE + 5


@pytest.mark.parametrize(
    "bad",
    [
        splice(10, 20, b""),
        splice(10, 13, b"\r\nno field\r\n"),
        splice(0, 0, b"no line end"),
        splice(0, 0, b"no field\r\n"),
        splice(35, len(HEAD) + 4, b""),
        splice(len(HEAD) + 1, len(HEAD) + 1, b"x"),
    ],
)
def test_what_cannot_be_said_is_told_before_anything_is_sent(bad: Splice) -> None:
    with pytest.raises(Untranslatable):
        translate(received(MESSAGE), Edits((bad,)))
