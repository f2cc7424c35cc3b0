"""Compressed RTF (MS-OXRTFCP), the body of Outlook's messages: objects in it are attachments to the reader.

Contract: ``decompress`` pays for what it produces, piece by piece. A stream that ends early gives what came before;
checksums and sizes in its header are not relied on. Raises ``OverLimit`` and ``Corrupt``.
"""

from __future__ import annotations

from gateway.scan.budget import Budget
from gateway.scan.look import Corrupt

_HEADER = 16
_COMPRESSED, _STORED = b"LZFu", b"MELA"
_WINDOW = 4096
_AT_A_TIME = 1 << 16
_PRELOAD = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor "
    b"MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par "
    b"\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
"""What the dictionary holds before anything is read (MS-OXRTFCP §2.1.2.1)."""


def decompress(data: bytes, budget: Budget) -> bytes:
    """The RTF in a value of PidTagRtfCompressed."""
    kind = data[8:12]
    if kind == _STORED:
        budget.spend_bytes(len(data) - _HEADER)
        return data[_HEADER:]
    if kind != _COMPRESSED:
        raise Corrupt("has a compressed body of an unknown kind")
    return _unpacked(data, budget)


def _unpacked(data: bytes, budget: Budget) -> bytes:
    """Each control byte says of the eight tokens behind it which is a byte and which a place in the dictionary
    (MS-OXRTFCP §2.2). The dictionary is the last 4096 bytes of the output, so the output is all that is kept."""
    output = bytearray(_PRELOAD)
    position, paid = _HEADER, len(output)
    while position < len(data):
        if len(output) - paid >= _AT_A_TIME:
            budget.check_time()
            budget.spend_bytes(len(output) - paid)
            paid = len(output)
        control = data[position]
        position += 1
        for bit in range(8):
            if not control >> bit & 1:
                output += data[position : position + 1]
                position += 1
                continue
            token = int.from_bytes(data[position : position + 2])
            position += 2
            back = (len(output) - (token >> 4)) % _WINDOW
            if not back or position > len(data):
                position = len(data)
                break
            _repeat(output, back, (token & 0xF) + 2)
    budget.spend_bytes(len(output) - paid)
    return bytes(output[len(_PRELOAD) :])


def _repeat(output: bytearray, back: int, length: int) -> None:
    """Append ``length`` bytes from ``back`` bytes ago on, which may reach into what is appended."""
    if back > len(output):
        raise Corrupt("has a compressed body that refers to what is not there")
    start = len(output) - back
    piece = bytes(output[start : start + length])
    output += (piece * (length // len(piece) + 1))[:length]
