"""Messages for tests, byte for byte as written: nothing here corrects, folds or encodes what was not asked for.

Every function returns bytes with CRLF line ends. ``message`` builds a whole mail out of parts, ``part`` one part; what
neither can express is written by hand with ``raw``.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

BOUNDARY = "=_test_boundary"


def raw(text: str) -> bytes:
    """Text with ``\\n`` as a message has it on the wire; each character is one byte."""
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode("latin-1")


def fields(headers: dict[str, str]) -> bytes:
    """A header block without its empty line. ``_`` in a name stands for ``-``."""
    lines = (f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return "".join(lines).encode("utf-8", "surrogateescape")


def encode(content: bytes, coding: str) -> bytes:
    """``content`` in a transfer encoding: base64, quoted-printable, x-uuencode or any identity."""
    match coding:
        case "base64":
            return base64.encodebytes(content).replace(b"\n", b"\r\n")
        case "quoted-printable":
            return binascii.b2a_qp(content, istext=False).replace(b"\n", b"\r\n")
        case "x-uuencode":
            return uuencode(content)
    return content


def uuencode(content: bytes, name: str = "file.bin") -> bytes:
    """A uuencoded block from ``begin`` to ``end``."""
    lines = [binascii.b2a_uu(content[at : at + 45]) for at in range(0, len(content), 45)]
    text = b"begin 644 " + name.encode() + b"\n" + b"".join(lines) + b"`\nend\n"
    return text.replace(b"\n", b"\r\n")


def part(content: bytes, type: str = "application/octet-stream", *, name: str = "", coding: str = "base64") -> bytes:  # noqa: A002  the word of RFC 2045
    """One part: its header, an empty line, its encoded body."""
    headers = {"Content-Type": type}
    if coding:
        headers["Content-Transfer-Encoding"] = coding
    if name:
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return fields(headers) + b"\r\n" + encode(content, coding)


def text(content: str = "Hello,\nplease see the attachment.\n") -> bytes:
    """A plain text part."""
    return part(raw(content), "text/plain; charset=utf-8", coding="8bit")


def multipart(
    parts: Sequence[bytes], *, boundary: str = BOUNDARY, preamble: bytes = b"", epilogue: bytes = b""
) -> bytes:
    """The body of a multipart."""
    mark = b"--" + boundary.encode()
    divided = b"".join(mark + b"\r\n" + one + b"\r\n" for one in parts)
    return preamble + divided + mark + b"--\r\n" + epilogue


def message(
    parts: Sequence[bytes],
    *,
    subtype: str = "mixed",
    boundary: str = BOUNDARY,
    preamble: bytes = b"",
    epilogue: bytes = b"",
    **headers: str,
) -> bytes:
    """A multipart message. ``headers`` come after From, To, Subject, Date and Message-ID, or replace them."""
    body = multipart(parts, boundary=boundary, preamble=preamble, epilogue=epilogue)
    return fields(
        _usual(headers) | {"MIME-Version": "1.0", "Content-Type": f'multipart/{subtype}; boundary="{boundary}"'}
    ) + (b"\r\n" + body)


def single(content: bytes, type: str = "text/plain", *, coding: str = "", name: str = "", **headers: str) -> bytes:  # noqa: A002  the word of RFC 2045
    """A message that is no multipart."""
    return fields(_usual(headers) | {"MIME-Version": "1.0"}) + part(content, type, coding=coding, name=name)


def _usual(headers: dict[str, str]) -> dict[str, str]:
    usual = {
        "From": "Ada <ada@example.com>",
        "To": "Bob <bob@example.net>",
        "Subject": "Report",
        "Date": "Mon, 05 Jan 2026 10:00:00 +0000",
        "Message-ID": "<1@example.com>",
    }
    return usual | {name.replace("_", "-"): value for name, value in headers.items()}
