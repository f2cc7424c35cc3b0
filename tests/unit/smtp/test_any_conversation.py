"""Whatever a client says, cut however it likes: replies are replies, nothing breaks, and only real messages pass."""

import asyncio
import re

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.unit.smtp.fakes import World, stage
from tests.unit.smtp.test_protocol import ENDS

MAIL = b"MAIL FROM:<a@x>\r\n"
RCPT = b"RCPT TO:<b@x>\r\n"
WORDS = (
    b"EHLO a.example\r\n", b"HELO b\r\n", MAIL, b"MAIL FROM:<> SIZE=5\r\n", RCPT,
    b"RCPT TO:<", b"DATA\r\n", b"Subject: x\r\n\r\nx", b"\r\n.\r\n", b"RSET\r\n", b"NOOP\r\n", b"NOOP\n", b"QUIT\r\n",
    b"STARTTLS\r\n", b"BDAT 5 LAST\r\n", b"XCLIENT ADDR=192.0.2.1\r\n", b"XFORWARD NAME=a HELO=+4\r\n",
    b"GET / HTTP\r\n", b"\r", b"\n", b"\0", b"\xff", b".", b" ", b"x" * 5_000, *ENDS.values(),
)  # fmt: skip
REPLIES = re.compile(rb"(?:(?:[2-5][0-9][0-9])-[^\r\n]*\r\n|[2-5][0-9][0-9] [^\r\n]*\r\n)*")


@given(st.lists(st.sampled_from(WORDS), max_size=25), st.booleans())
@settings(max_examples=150, deadline=None)
@example([MAIL, RCPT, b"DATA\r\n", b"x\n.\r\n.\r\n", MAIL, RCPT, b"DATA\r\n", b"y\r\n.\r\nQUIT\r\n"], True)
def test_any_conversation(words: list[bytes], in_pieces: bool) -> None:
    world = asyncio.run(converse(words if in_pieces else [b"".join(words)]))
    said = b"".join(words)
    assert world.events("session-error") == []
    assert world.events("message-error") == []
    assert len(world.delivered) <= said.count(b"\r\n.\r\n")
    assert all(re.search(rb"\r(?!\n)|(?<!\r)\n|\0", message) is None for message in world.delivered)
    assert world.hops.released == len(world.hops.acquired)
    assert world.metrics.registry.get_sample_value("macrogate_sessions_open", {"listener": "smtp"}) == 0


async def converse(pieces: list[bytes]) -> World:
    """One session: all at once, or piece by piece with some time for an answer in between."""
    world = World()
    async with stage(world) as at:
        client = await at.connect()
        heard = await client.hear()
        try:
            for piece in (b"EHLO first.example\r\n", *pieces):
                await client.say(piece)
                for _ in range(8 if piece.endswith(b"\n") else 0):
                    await asyncio.sleep(0)  # most answers come now; whether one does is part of what is tried out
            client.writer.write_eof()
            heard += await client.reader.read()
        except OSError:
            pass  # the other side was quicker to leave
        assert REPLIES.fullmatch(heard), heard
    return world
