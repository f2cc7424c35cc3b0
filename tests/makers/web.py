"""Word web archives and the wrapper they carry a macro project in, with their parts in any order and disguise."""

from __future__ import annotations

import base64
import zlib

HEAD = b'MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary="=_b"\r\n\r\n'


def activemime(content: bytes, *, offset: int = 0x32, before: bytes = b"") -> bytes:
    """``content`` in ActiveMime, its zlib stream at ``offset``."""
    return before + b"ActiveMime\0".ljust(offset, b"\0") + zlib.compress(content)


def lines(content: bytes) -> bytes:
    """Base64 in lines."""
    return base64.encodebytes(content).replace(b"\n", b"\r\n")


def archive(
    content: bytes, *, head: bytes = HEAD, name: bytes = b"editdata.mso", kind: bytes = b"application/x-mso"
) -> bytes:
    """A web archive of a page and one more part."""
    page = b"Content-Location: file:///C:/a.htm\r\nContent-Type: text/html\r\n\r\n<html></html>\r\n"
    fields = b"Content-Location: file:///C:/%s\r\nContent-Transfer-Encoding: base64\r\n" % name
    typed = b"Content-Type: %s\r\n\r\n" % kind
    return head + b"--=_b\r\n" + page + b"--=_b\r\n" + fields + typed + lines(content) + b"\r\n--=_b--\r\n"
