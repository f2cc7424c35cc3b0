"""Text encodings that the standard library no longer writes: yEnc and BinHex 4.0."""

from __future__ import annotations

import base64
import binascii
import re
import struct

_HQX = b"!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr"
_B64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def yenc(content: bytes, name: str = "a.doc", *, head: str = "", width: int = 128) -> bytes:
    """A yEnc block. ``head`` comes behind ``=ybegin ``: ``part=1 total=2 ``."""
    escaped = b"".join(_yenc_byte((byte + 42) % 256) for byte in content)
    lines = re.findall(rb"(?s)(?:=.|[^=]){1,%d}" % width, escaped)
    begin = f"=ybegin {head}line={width} size={len(content)} name={name}".encode()
    end = f"=yend size={len(content)} crc32={binascii.crc32(content):08x}".encode()
    return b"\r\n".join((begin, *lines, end, b""))


def _yenc_byte(byte: int) -> bytes:
    return b"=%c" % ((byte + 64) % 256) if byte in b"\0\n\r=" else b"%c" % byte


def binhex(content: bytes, name: str = "a.doc", *, resource: bytes = b"", runs: bool = True) -> bytes:
    """A BinHex 4.0 file with lines of 64 characters."""
    header = bytes([len(name)]) + name.encode() + b"\0W8BNMSWD\0\0" + struct.pack(">II", len(content), len(resource))
    file = b"".join(fork + struct.pack(">H", binascii.crc_hqx(fork, 0)) for fork in (header, content, resource))
    pattern = rb"(?s)\x90|([^\x90])\1{3,254}" if runs else rb"\x90"
    packed = re.sub(
        pattern, lambda run: b"%c\x90%c" % (run[0][0], len(run[0])) if run[0] != b"\x90" else b"\x90\0", file
    )
    text = b":" + base64.b64encode(packed).rstrip(b"=").translate(bytes.maketrans(_B64, _HQX)) + b":"
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return b"\r\n".join((b"(This file must be converted with BinHex 4.0)", b"", *lines, b""))
