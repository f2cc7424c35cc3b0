"""The reply reader: every reply however it is cut, and nothing that is not a reply."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.message import Reply
from gateway.smtp.replies import MAX_LINE, MAX_LINES, BadReply, ReplyReader

TEXT = st.binary(max_size=40).map(lambda raw: bytes(octet for octet in raw if octet >= 0x20 and octet != 0x7F))
REPLIES = st.builds(Reply, st.integers(200, 599), st.lists(TEXT, min_size=1, max_size=4).map(tuple))


def read(wire: bytes, size: int) -> list[Reply]:
    reader = ReplyReader()
    return [reply for start in range(0, len(wire), size) for reply in reader.feed(wire[start : start + size])]


@given(st.lists(REPLIES, max_size=4))
def test_what_was_written_is_read_whole_and_octet_by_octet(replies: list[Reply]) -> None:
    wire = b"".join(reply.wire for reply in replies)
    assert read(wire, len(wire) or 1) == read(wire, 1) == replies


@given(REPLIES)
def test_a_tail_is_pending_and_changes_nothing(reply: Reply) -> None:
    reader = ReplyReader()
    assert reader.feed(reply.wire + b"25") == [reply]
    assert reader.pending
    assert reader.feed(b"0 Ok\r\n") == [Reply.of("250 Ok")]
    assert not reader.pending


@pytest.mark.parametrize(
    ("wire", "reply"),
    [
        (b"250\r\n", Reply(250, (b"",))),
        (b"250 \r\n", Reply(250, (b"",))),
        (b"250-a\r\n250-\r\n250 c\r\n", Reply(250, (b"a", b"", b"c"))),
        (b"250-a\r\n250\r\n", Reply(250, (b"a", b""))),
        (b"550 5.1.1 <j\xc3\xb6rg@x.example> unbekannt\r\n", Reply(550, (b"5.1.1 <j\xc3\xb6rg@x.example> unbekannt",))),
        (b"250 tab\tstays\r\n", Reply(250, (b"tab\tstays",))),
        (b"450 \x1b[31mred\x07\x7f\r\n", Reply(450, (b"?[31mred??",))),
    ],
)
def test_replies_that_are_read(wire: bytes, reply: Reply) -> None:
    assert read(wire, len(wire)) == read(wire, 1) == [reply]


@pytest.mark.parametrize(
    "wire",
    [
        b"hello\r\n",
        b"\r\n",
        b"25\r\n",
        b"2500 Ok\r\n",
        b"250_Ok\r\n",
        b"150 No such class\r\n",
        b"650 No such class\r\n",
        b"\xb2\xb55 superscripts\r\n",
        b"250 bare LF\n",
        b"250 bare\rCR\r\n",
        b"250 nul\0\r\n",
        b"250-a\r\n251 b\r\n",
        b"250-a\r\nnonsense\r\n",
        b"250 " + b"x" * MAX_LINE + b"\r\n",
        b"250 " + b"x" * MAX_LINE,
        b"250-x\r\n" * (MAX_LINES + 1),
    ],
)
def test_what_is_not_a_reply_is_refused(wire: bytes) -> None:
    with pytest.raises(BadReply):
        read(wire, len(wire))
    with pytest.raises(BadReply):
        read(wire, 1)


def test_the_longest_line_and_the_longest_reply_still_pass() -> None:
    line = b"250 " + b"x" * (MAX_LINE - 6) + b"\r\n"
    assert len(line) == MAX_LINE
    assert len(read(line, len(line))) == 1
    assert len(read(b"250-x\r\n" * (MAX_LINES - 1) + b"250 x\r\n", 100)[0].lines) == MAX_LINES


@given(st.binary(max_size=300), st.integers(1, 7))
def test_any_octets_give_clean_replies_or_a_refusal(wire: bytes, size: int) -> None:
    try:
        replies = read(wire, size)
    except BadReply:
        return
    for reply in replies:
        assert 200 <= reply.code <= 599
        assert all(octet >= 0x20 or octet == 0x09 for line in reply.lines for octet in line)
