"""Wrappers that mail programs open by themselves: CMS, OpenPGP packets, TNEF, Macintosh files."""

from __future__ import annotations

import base64
import struct
import zlib

SIGNED, ENVELOPED = "2A864886F70D010702", "2A864886F70D010703"
DATA, COMPRESSED = "2A864886F70D010701", "2A864886F70D0109100109"
AUTH_ENVELOPED = "2A864886F70D0109100117"


def element(tag: int, content: bytes, *, open: bool = False) -> bytes:  # noqa: A002  the word of X.690
    """One element, with its length or with the length left open."""
    if open:
        return bytes([tag, 0x80]) + content + b"\0\0"
    size = len(content)
    length = bytes([size]) if size < 0x80 else b"\x84" + struct.pack(">I", size)
    return bytes([tag]) + length + content


def cms(content: bytes | None, kind: str = SIGNED, *, pieces: int = 0) -> bytes:
    """A CMS file around ``content``; with ``pieces``, all lengths are left open and the content comes in pieces of that
    size. Without content it is a detached signature, as far as anybody looks."""
    left_open = pieces > 0
    inner = element(0x06, bytes.fromhex(DATA))
    if content is not None and pieces:
        cut = [element(0x04, content[at : at + pieces]) for at in range(0, len(content), pieces)]
        inner += element(0xA0, element(0x24, b"".join(cut), open=True), open=True)
    elif content is not None:
        inner += element(0xA0, element(0x04, content))
    algorithms = element(0x30 if kind == COMPRESSED else 0x31, b"")
    body = element(0x02, b"\1") + algorithms + element(0x30, inner, open=left_open) + element(0x31, b"")
    outer = element(0x06, bytes.fromhex(kind)) + element(0xA0, element(0x30, body, open=left_open), open=left_open)
    return element(0x30, outer, open=left_open)


def packet(kind: int, body: bytes) -> bytes:
    """One OpenPGP packet of the newer format."""
    return bytes([0xC0 | kind, 0xFF]) + struct.pack(">I", len(body)) + body


def literal(content: bytes, name: str = "a.doc") -> bytes:
    return packet(11, b"b" + bytes([len(name)]) + name.encode() + bytes(4) + content)


def compressed(packets: bytes, kind: int = 1) -> bytes:
    packer = zlib.compressobj(wbits=-15 if kind == 1 else 15)
    return packet(8, bytes([kind]) + packer.compress(packets) + packer.flush())


def locked() -> bytes:
    """A session key for somebody, and what it opens."""
    return packet(1, b"\3" + b"recipien" + b"\1" + b"key" * 40) + packet(18, b"\1" + b"locked" * 20)


def armour(packets: bytes, kind: str = "MESSAGE") -> bytes:
    text = base64.encodebytes(packets).replace(b"\n", b"\r\n")
    return f"-----BEGIN PGP {kind}-----\r\n\r\n".encode() + text + f"=abcd\r\n-----END PGP {kind}-----\r\n".encode()


def attribute(number: int, value: bytes) -> bytes:
    """One TNEF attribute, with a checksum that is wrong."""
    return struct.pack("<BII", 2, number, len(value)) + value + b"\xff\xff"


def properties(*encoded: bytes) -> bytes:
    return struct.pack("<I", len(encoded)) + b"".join(encoded)


def variable(kind: int, number: int, value: bytes) -> bytes:
    """A property whose value carries its length."""
    return struct.pack("<HHII", kind, number, 1, len(value)) + value + bytes(-len(value) % 4)


def tnef(*attributes: bytes) -> bytes:
    return bytes.fromhex("789F3E22") + b"\1\0" + b"".join(attributes)


def attached(content: bytes, name: str = "a.doc") -> bytes:
    """An attachment of a TNEF file."""
    return (
        attribute(0x00069002, bytes(14)) + attribute(0x00018010, name.encode() + b"\0") + attribute(0x0006800F, content)
    )


def rtf_stored(rtf: bytes) -> bytes:
    """Compressed RTF that is not compressed."""
    return struct.pack("<II4sI", len(rtf) + 12, len(rtf), b"MELA", 0) + rtf


def rtf_compressed(rtf: bytes) -> bytes:
    """Compressed RTF in which only runs of one byte are compressed: enough to use the dictionary."""
    tokens: list[tuple[bool, bytes]] = []
    written, position = 207, 0
    while position < len(rtf):
        run = next(
            (
                n
                for n in range(17, 1, -1)
                if position and rtf[position : position + n] == rtf[position - 1 : position] * n
            ),
            0,
        )
        if run:
            tokens.append((True, struct.pack(">H", (written - 1) % 4096 << 4 | run - 2)))
        else:
            tokens.append((False, rtf[position : position + 1]))
        written, position = written + max(run, 1), position + max(run, 1)
    tokens.append((True, struct.pack(">H", written % 4096 << 4)))
    packed = b""
    for at in range(0, len(tokens), 8):
        group = tokens[at : at + 8]
        packed += bytes([sum(reference << bit for bit, (reference, _) in enumerate(group))])
        packed += b"".join(value for _, value in group)
    return struct.pack("<II4sI", len(packed) + 12, len(rtf), b"LZFu", 0) + packed


def apple_single(content: bytes, name: str = "a.doc", *, double: bool = False) -> bytes:
    head = b"\x00\x05\x16\x07" if double else b"\x00\x05\x16\x00"
    entries = [(3, name.encode()), (2 if double else 1, content)]
    table, body = b"", b""
    for kind, value in entries:
        table += struct.pack(">III", kind, 26 + 12 * len(entries) + len(body), len(value))
        body += value
    return head + b"\0\2\0\0" + bytes(16) + struct.pack(">H", len(entries)) + table + body


def macbinary(content: bytes, name: str = "a.doc") -> bytes:
    head = b"\0" + bytes([len(name)]) + name.encode().ljust(63, b"\0") + b"W8BNMSWD" + bytes(10)
    return (head + struct.pack(">II", len(content), 0)).ljust(128, b"\0") + content + bytes(-len(content) % 128)
