"""Office documents: one file a family, and the table that says which one looks into what.

Contract: each function has the signature ``(Blob, Look) -> None`` and keeps the promise of ``gateway.scan.look``. A new
family is a new file, a line here and a folder in ``tests/corpus``.
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.closed_sets import FileType
from gateway.scan.documents import (
    activemime,
    bare_workbook,
    flat_xml,
    fragments,
    lotus,
    odf,
    old_files,
    ole,
    onenote,
    ooxml,
    pdf,
    rtf,
    spreadsheetml,
    sylk,
    text_tables,
    web_archive,
)
from gateway.scan.look import Blob, Look

Inspect = Callable[[Blob, Look], None]

DOCUMENTS: tuple[tuple[frozenset[FileType], Inspect], ...] = (
    (ooxml.TYPES, ooxml.inspect),
    (ole.TYPES, ole.inspect),
    (flat_xml.TYPES, flat_xml.inspect),
    (rtf.TYPES, rtf.inspect),
    (onenote.TYPES, onenote.inspect),
    (odf.TYPES, odf.inspect),
    (pdf.TYPES, pdf.inspect),
    (web_archive.TYPES, web_archive.inspect),
    (activemime.TYPES, activemime.inspect),
    (bare_workbook.TYPES, bare_workbook.inspect),
    (spreadsheetml.TYPES, spreadsheetml.inspect),
    (sylk.TYPES, sylk.inspect),
    (lotus.TYPES, lotus.inspect),
    (text_tables.TYPES, text_tables.inspect),
    (fragments.TYPES, fragments.inspect),
    (old_files.TYPES, old_files.inspect),
)
