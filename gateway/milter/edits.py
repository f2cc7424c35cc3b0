"""How a message is changed, said in the milter protocol: splices of bytes become header edits and a new body.

Contract: the MTA's copy, after these answers, is byte for byte what ``spool.chunks(edits)`` yields; what cannot be said
so raises ``Untranslatable`` before anything is sent, and the message must not be accepted then. The body comes first
and the topmost field last. The MTA commits nothing before the verdict behind all this, so a connection that breaks in
between leaves no message that is half changed, nor the original, as long as ``milter_default_action`` is not accept.

Numbers count as Postfix and Sendmail do (``cleanup_milter.c``): a field to change by its rank among those of its name,
a field to insert by how many are to stand above it, the MTA's own Received included. Changes go from the bottom to the
top, so no number shifts the ones that follow.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator

from gateway.message import Edits, Span, Splice
from gateway.milter.incoming import Incoming
from gateway.milter.protocol import BODY_PIECE, reply
from gateway.milter.words import Answer, Command

OWN_FIELDS = 1
"""The MTA's Received field, which stands above everything that came in."""

_FIELD = re.compile(rb"([!-9;-~]+):([^\n]*(?:\n[ \t][^\n]*)*)\r\n")

Field = tuple[bytes, bytes]
"""Name, and value without its last CRLF."""


class Untranslatable(Exception):
    """The milter protocol has no words for this change."""


def translate(message: Incoming, edits: Edits) -> Iterator[bytes]:
    """The packets that change ``message``, to be sent in this order. Raises ``Untranslatable``, at once."""
    in_header = [splice for splice in edits.splices if splice.span.start <= message.header_end]
    in_body = [splice for splice in edits.splices if splice.span.start > message.header_end]
    if any(splice.span.end > message.header_end for splice in in_header):
        raise Untranslatable("a change reaches from the header into the body")
    if any(splice.span.start < message.header_end + 2 for splice in in_body):
        raise Untranslatable("a change lies within the empty line behind the header")
    header = _header(message, in_header)
    return _packets(message, tuple(in_body), header)


def _packets(message: Incoming, in_body: tuple[Splice, ...], header: list[bytes]) -> Iterator[bytes]:
    if in_body:
        for chunk in message.spool.chunks(Edits(in_body), message.header_end + 2):
            for start in range(0, len(chunk), BODY_PIECE):
                yield reply(Command.BODYEOB, Answer.REPLBODY, chunk[start : start + BODY_PIECE])
    yield from header


def _header(message: Incoming, splices: list[Splice]) -> list[bytes]:
    """The packets for the header section, from the bottom to the top."""
    inserted: dict[int, bytes] = {}
    """By the number of the field it stands before."""
    changed: dict[int, list[Splice]] = {}
    for splice in splices:
        number, at_its_start = _place(message, splice.span)
        if at_its_start and splice.span.start == splice.span.end:
            inserted[number] = inserted.get(number, b"") + splice.replacement
        else:
            changed.setdefault(number, []).append(splice)
    ranks = _ranks(message) if changed else []
    packets: list[bytes] = []
    for number in sorted({*inserted, *changed}, reverse=True):
        if number in changed:
            packets += _change(number, *ranks[number], _fields(_spliced(message, number, changed[number])))
        packets += _insert(number, _fields(inserted.get(number, b"")))
    return packets


def _place(message: Incoming, span: Span) -> tuple[int, bool]:
    """The number of the field ``span`` is in, and whether it begins there."""
    if span.start == message.header_end:
        return len(message.starts), True
    number = bisect_right(message.starts, span.start) - 1
    if span.end > _end(message, number):
        raise Untranslatable("a change reaches from one field of the header into another")
    return number, span.start == message.starts[number]


def _end(message: Incoming, number: int) -> int:
    return message.starts[number + 1] if number + 1 < len(message.starts) else message.header_end


def _spliced(message: Incoming, number: int, splices: list[Splice]) -> bytes:
    """One field after its changes."""
    pieces = []
    position = message.starts[number]
    for splice in splices:
        pieces += [message.spool.read(position, splice.span.start), splice.replacement]
        position = splice.span.end
    return b"".join((*pieces, message.spool.read(position, _end(message, number))))


def _fields(text: bytes) -> list[Field]:
    """The fields ``text`` consists of."""
    found: list[Field] = []
    position = 0
    while position < len(text):
        match = _FIELD.match(text, position)
        if match is None:
            raise Untranslatable("a change leaves something in the header that is no field")
        found.append((match[1], match[2] or b" "))  # an empty value would mean: delete
        position = match.end()
    return found


def _ranks(message: Incoming) -> list[tuple[bytes, int]]:
    """Each field's name, and its rank among those of its name."""
    head = message.spool.read(0, message.header_end)
    seen: Counter[bytes] = Counter()
    ranks = []
    for start in message.starts:
        name = head[start : head.index(b":", start)]
        seen[name.lower()] += 1
        ranks.append((name, seen[name.lower()]))
    return ranks


def _change(number: int, name: bytes, rank: int, fields: list[Field]) -> list[bytes]:
    """What stands in the place of one field now: nothing, another value, or other fields."""
    if fields and fields[0][0].lower() == name.lower():
        rest = _insert(number + 1, fields[1:])
        return [*rest, reply(Command.BODYEOB, Answer.CHGHEADER, rank, *fields[0])]
    return [reply(Command.BODYEOB, Answer.CHGHEADER, rank, name, b""), *_insert(number, fields)]


def _insert(number: int, fields: list[Field]) -> list[bytes]:
    """Fields that come to stand before the field of that number."""
    return [reply(Command.BODYEOB, Answer.INSHEADER, OWN_FIELDS + number, *field) for field in reversed(fields)]
