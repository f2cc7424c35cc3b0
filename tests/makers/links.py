"""Packages and binary Word documents that lead somewhere else: relationships, fields and attached templates."""

from __future__ import annotations

import struct
from collections.abc import Mapping

from gateway import samples
from gateway.samples.compound import compound_file, streams_of
from gateway.samples.package import OFFICE, content_types, package, parts_of, relations

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_ASSOCIATED = 0x19A


def docx_with(parts: Mapping[str, bytes | str], body: str = "") -> bytes:
    """A Word document with more parts, or others."""
    return package({**parts_of(samples.docx(body=body) if body else samples.docx()), **parts})


def linked(kind: str, target: str, *, source: str = "document") -> bytes:
    """A Word document with one relationship that leads out of it."""
    return docx_with({f"word/_rels/{source}.xml.rels": relations((f"{OFFICE}/{kind}", target), external=True)})


def field(*pieces: str) -> str:
    """A field whose instruction is divided into runs."""
    runs = "".join(f"<w:r><w:instrText>{piece}</w:instrText></w:r>" for piece in pieces)
    return f'<w:r><w:fldChar w:fldCharType="begin"/></w:r>{runs}<w:r><w:fldChar w:fldCharType="end"/></w:r>'


def text_part(root: str, body: str) -> str:
    """A header, a footnote part and the like."""
    return f'<w:{root} xmlns:w="{W}"><w:p>{body}</w:p></w:{root}>'


def docx_with_text_part(root: str, body: str) -> bytes:
    """A Word document with a text part beside the main one, declared as what it is."""
    part = {"hdr": "header", "ftr": "footer"}.get(root, root)
    main = f"{_WORD}.document.main+xml"
    types = content_types({"/word/document.xml": main, f"/word/{part}1.xml": f"{_WORD}.{part}+xml"})
    rels = relations((f"{OFFICE}/{part}", f"{part}1.xml"))
    parts = {"[Content_Types].xml": types, "word/_rels/document.xml.rels": rels}
    return docx_with({**parts, f"word/{part}1.xml": text_part(root, body)})


def doc_with_template(address: str) -> bytes:
    """A binary Word document with this attached template (MS-DOC SttbfAssoc)."""
    streams = streams_of(samples.doc())
    main, table = bytearray(streams["WordDocument",]), streams["1Table",]
    strings = ["", address, *[""] * 16]
    associated = struct.pack("<HHH", 0xFFFF, len(strings), 0)
    associated += b"".join(struct.pack("<H", len(text)) + text.encode("utf-16-le") for text in strings)
    struct.pack_into("<II", main, _ASSOCIATED, len(table), len(associated))
    return compound_file({**streams, ("WordDocument",): bytes(main), ("1Table",): table + associated})
