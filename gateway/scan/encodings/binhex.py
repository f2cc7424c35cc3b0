"""BinHex 4.0 (RFC 1741 and its appendix): a Macintosh file as text.

Contract: decoders take any bytes and give both forks of the file as far as they go. Checksums are not looked at,
because programs warn about wrong ones and write the file all the same. Runs are paid for before they are made, since
three characters may stand for 255 bytes. Raises ``OverLimit`` only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pybase64

from gateway.scan.budget import Budget

BEGIN = b"(This file must be converted with BinHex"
_ALPHABET = b"!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr"
_STANDARD = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_TO_BASE64 = bytes.maketrans(_ALPHABET, _STANDARD)
_JUNK = bytes(set(range(256)) - set(_ALPHABET))
_BLOCK = re.compile(rb"^[ \t]{0,9}:", re.MULTILINE)
_MARK = b"\x90"
_RUN = re.compile(rb"\x90.", re.DOTALL)


def blocks(text: bytes, budget: Budget) -> Iterator[tuple[str, bytes]]:
    """Every fork that is not empty, of every block behind the sentence that announces one: name and content."""
    position = 0
    while (position := text.find(BEGIN, position)) >= 0:
        budget.check_time()
        found = _BLOCK.search(text, position)
        if found is None:
            return
        end = text.find(b":", found.end())
        position = end if end >= 0 else len(text)
        yield from _forks(_unpacked(text[found.end() : position], budget))


def body(encoded: bytes, budget: Budget) -> Iterator[tuple[str, bytes]]:
    """A body whose transfer encoding is BinHex; the sentence may be missing, and the colons too."""
    if BEGIN in encoded:
        yield from blocks(encoded, budget)
        return
    yield from _forks(_unpacked(encoded.strip(b" \t\r\n:").partition(b":")[0], budget))


def _unpacked(lines: bytes, budget: Budget) -> bytes:
    letters = lines.translate(None, _JUNK).translate(_TO_BASE64)
    if len(letters) % 4 == 1:
        letters = letters[:-1]
    return _without_runs(pybase64.b64decode(letters + b"=" * (-len(letters) % 4)), budget)


def _without_runs(packed: bytes, budget: Budget) -> bytes:
    """``90 n`` says that the byte before stands there n times; ``90 00`` is the byte 90 itself."""
    content = bytearray()
    position = 0
    for number, run in enumerate(_RUN.finditer(packed)):
        if not number % 4096:
            budget.check_time()
        content += packed[position : run.start()]
        position = run.end()
        count = packed[position - 1]
        if count:
            budget.spend_bytes(count)
            content += content[-1:] * (count - 1)
        else:
            content += _MARK
    return bytes(content + packed[position:])


def _forks(file: bytes) -> Iterator[tuple[str, bytes]]:
    """Header, data fork, resource fork, each with a checksum of two bytes behind it."""
    length = file[0] if file else 0
    name = file[1 : 1 + length].decode("mac-roman", "replace")
    header = 1 + length + 11
    data_size = int.from_bytes(file[header : header + 4])
    resource_size = int.from_bytes(file[header + 4 : header + 8])
    start = header + 10
    data = file[start : start + data_size]
    resource = file[start + data_size + 2 : start + data_size + 2 + resource_size]
    yield name, data
    if resource:
        yield f"{name}/resource fork", resource
