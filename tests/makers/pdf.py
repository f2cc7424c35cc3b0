"""PDF files out of objects, with no more of the rest than a reader needs (ISO 32000-1 §7)."""

from __future__ import annotations

import zlib


def stream(content: bytes, words: bytes = b"", *, packed: bool = True) -> bytes:
    """A stream object's content; ``words`` go into its dictionary."""
    data = zlib.compress(content) if packed else content
    name = b"/Filter/FlateDecode" if packed else b""
    return b"<<%s%s/Length %d>>stream\r\n%s\r\nendstream" % (words, name, len(data), data)


def pdf(*objects: bytes, tail: bytes = b"", trailer: bytes = b"") -> bytes:
    """A file with the catalogue of an empty document as object 1 and ``objects`` from 3 on."""
    listed = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[]/Count 0>>", *objects]
    body = b"".join(b"%d 0 obj\n%s\nendobj\n" % pair for pair in enumerate(listed, 1))
    end = b"trailer\n<</Root 1 0 R%s>>\nstartxref\n0\n%%%%EOF\n" % trailer
    return b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + body + end + tail


def with_file(content: bytes, name: str, *more: bytes, words: bytes = b"/Type/EmbeddedFile") -> bytes:
    """A file with one file embedded: its specification is object 3, its stream object 4; ``more`` are those from 5."""
    specification = b"<</Type/Filespec/F(%s)/UF(%s)/EF<</F 4 0 R>>>>" % (name.encode(), name.encode())
    return pdf(specification, stream(content, words), *more)


def packed_objects(*objects: bytes, first: int = 3) -> bytes:
    """An object stream with these objects, numbered from ``first``."""
    places, body = [], b""
    for number, content in enumerate(objects, first):
        places.append(b"%d %d" % (number, len(body)))
        body += content + b" "
    head = b" ".join(places) + b" "
    return stream(head + body, b"/Type/ObjStm/N %d/First %d" % (len(objects), len(head)))
