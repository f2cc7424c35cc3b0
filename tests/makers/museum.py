"""Mails as Emotet sent them, made anew with inert content: the words, the shape and the container, and no harm.

The macros assemble addresses in ``example.com`` out of pieces inside a branch that is never taken; nothing is started.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from email.header import Header

from gateway.samples import vba
from tests.makers import mail

WORD, EXCEL = "application/msword", "application/vnd.ms-excel"
_TYPES = {"doc": WORD, "xls": EXCEL, "zip": "application/zip", "one": "application/onenote", "html": "text/html"}


def code(procedure: str) -> str:
    """Macro source in the manner of the time: short strings joined, a class asked for by name; all of it dead."""
    return (
        f"' {vba.MARKER}: the branch below is never taken\r\n"
        f"Sub {procedure}()\r\n"
        "If 1 = 2 Then\r\n"
        'place = "ht" & "tp:" & "//exam" & "ple.com/wp-con" & "tent/a4Xq/"\r\n'
        'tool = "pow" + "ersh" + "ell"\r\n'
        'way = StrReverse("ssecorP_23niW")\r\n'
        "End If\r\n"
        "End Sub\r\n"
    )


def letter(subject: str, text: str, files: Mapping[str, bytes], *, charset: str = "utf-8", **headers: str) -> bytes:
    """A mail with ``files`` attached by name. The text is in ``charset``, the subject encoded as programs do it."""
    body = mail.fields({"Content-Type": f"text/plain; charset={charset}", "Content-Transfer-Encoding": "base64"})
    body += b"\r\n" + mail.encode(text.replace("\n", "\r\n").encode(charset), "base64")
    attached = [mail.part(content, _type(name), name=name) for name, content in files.items()]
    return mail.message([body, *attached], Subject=Header(subject, charset).encode(linesep="\r\n"), **headers)


def reply(subject: str, text: str, files: Mapping[str, bytes], **more: str) -> bytes:
    """The same inside a stolen conversation: a reply to somebody's own words."""
    quoted = "\n\nOn Mon, 2 Sep 2019 at 10:12, Bob wrote:\n> Dear Alice,\n> could you send me the figures for August?\n"
    threads = {"In-Reply-To": "<7c1f@example.net>", "References": "<11aa@example.net> <7c1f@example.net>"}
    return letter(f"Re: {subject}", text + quoted, files, **threads, **more)


def _type(name: str) -> str:
    return _TYPES.get(name.rpartition(".")[2].lower(), "application/octet-stream")


def padded_zip(name: str, content: bytes, size: int) -> bytes:
    """A zip whose one member is ``content`` and zeros up to ``size`` bytes: half a gigabyte in half a megabyte."""
    piece = bytes(1 << 20)
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = deflater.compress(content) + deflater.flush(zlib.Z_FULL_FLUSH)
    # After a full flush equal input gives equal output, so one piece stands for all of them.
    one = deflater.compress(piece) + deflater.flush(zlib.Z_FULL_FLUSH)
    count, rest = divmod(size - len(content), len(piece))
    packed += one * count + deflater.compress(bytes(rest)) + deflater.flush()
    crc = zlib.crc32(content)
    for _ in range(count):
        crc = zlib.crc32(piece, crc)
    crc = zlib.crc32(bytes(rest), crc)
    raw = name.encode()
    sizes = struct.pack("<3I2H", crc, len(packed), size, len(raw), 0)
    local = struct.pack("<4s5H", b"PK\x03\x04", 20, 0, 8, 0, 0) + sizes + raw
    central = (
        struct.pack("<4s6H", b"PK\x01\x02", 20, 20, 0, 8, 0, 0) + sizes + struct.pack("<3H2I", 0, 0, 0, 0, 0) + raw
    )
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 1, 1, len(central), len(local) + len(packed), 0)
    return local + packed + central + end
