"""Parsers whose bytes lie behind a compression, a checksum or a directory, where damage to the file ends before them.

The bytes become a part, or a stream, of a document that is sound besides, and its reader looks into that document.
"""

from __future__ import annotations

from dataclasses import replace

from gateway import samples
from gateway.samples.package import package, parts_of
from gateway.scan import line_ends
from gateway.scan.containers import carve
from gateway.scan.documents import encryption, odf, ooxml
from gateway.scan.look import Blob
from gateway.scan.unpack import Scan
from tests.makers.ole import compound

_OFFICE_PARTS = (
    *("word/document.xml", "word/settings.xml", "word/_rels/settings.xml.rels", "word/activeX/activeX1.xml"),
    *("xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/worksheets/sheet1.xml", "xl/macrosheets/sheet1.xml"),
    *("xl/connections.xml", "xl/externalLinks/externalLink1.xml", "xl/queryTables/queryTable1.xml"),
    *("xl/sharedStrings.xml", "xl/drawings/vmlDrawing1.vml", "ppt/slides/slide1.xml", "customUI/customUI.xml"),
    *("xl/workbook.bin", "xl/worksheets/sheet1.bin", "word/vbaProject.bin", "[Content_Types].xml"),
)
_ODF_PARTS = ("content.xml", "settings.xml", "META-INF/manifest.xml", "Basic/Standard/Module1.xml")


def package_parts(data: bytes, scan: Scan) -> None:
    """The bytes as every part that is read, with and without the parts of a sound workbook."""
    parts = dict.fromkeys(_OFFICE_PARTS, data)
    for written in (parts, {**parts, **parts_of(samples.xlsx())}):
        ooxml.inspect(Blob(package(written), "file", "file.xlsx"), _flat(scan))


def odf_parts(data: bytes, scan: Scan) -> None:
    odf.inspect(Blob(package(dict.fromkeys(_ODF_PARTS, data)), "file", "file.ods"), _flat(scan))


def _flat(scan: Scan) -> Scan:
    """Does not look into what is embedded: it is the same twenty times, and has targets of its own."""
    return Scan(scan.rules, replace(scan.budget.limits, max_depth=-1), None)


def encrypted(data: bytes, scan: Scan) -> None:
    """The bytes as the description of the encryption, and as what is encrypted."""
    document = compound({"EncryptionInfo": data, "EncryptedPackage": data})
    encryption.decrypt(document, data, "file", scan.passwords, scan.budget)


def carved(data: bytes, scan: Scan) -> None:
    carve.carve(Blob(data, "file", "file.img"), scan)
    line_ends.repaired(data)
