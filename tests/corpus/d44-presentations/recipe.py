import struct
import zlib

from gateway.samples import vba
from gateway.samples.compound import compound_file
from gateway.samples.package import content_types, package, relations
from tests.makers.vba import project_streams

OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
KIND = "application/vnd.ms-powerpoint.presentation.macroEnabled.main+xml"
SLIDE = '<p:sld xmlns:p="p" xmlns:a="a" xmlns:r="r"><a:{} r:id="rId1" action="{}"/></p:sld>'
QUIET = "FormatTable"


def record(kind: int, content: bytes, instance: int = 0) -> bytes:
    return struct.pack("<HHI", instance << 4, kind, len(content)) + content


def stored(procedure: str, *, packed: bool = True) -> bytes:
    """MS-PPT 2.10.34: the project as a record, compressed or not."""
    project = compound_file(project_streams(vba.inert(procedure)))
    if not packed:
        return record(0x1011, project)
    return record(0x1011, struct.pack("<I", len(project)) + zlib.compress(project), 1)


def action(kind: int, *, over: bool) -> bytes:
    """A shape's action: 1 runs a macro, 2 a program, 4 follows a link."""
    atom = record(0x0FF3, struct.pack("<IIB7x", 0, 0, kind))
    return struct.pack("<HHI", 0x1F if over else 0x0F, 0x0FF2, len(atom)) + atom


def ppt(*records: bytes) -> bytes:
    user = struct.pack("<HHIII", 0, 0x0FF6, 20, 20, 0xE391C05F) + bytes(12)
    return compound_file(
        {("PowerPoint Document",): record(0x03E8, b"inert" * 9) + b"".join(records), ("Current User",): user}
    )


def pptm(element: str, action: str, target: str = "", *, macros: bool = True) -> bytes:
    parts: dict[str, bytes | str] = {
        "[Content_Types].xml": content_types({"/ppt/presentation.xml": KIND if macros else KIND.replace("ms-", "x-")}),
        "ppt/slides/slide1.xml": SLIDE.format(element, action),
    }
    if target:
        parts["ppt/slides/_rels/slide1.xml.rels"] = relations((f"{OFFICE}/hyperlink", target), external=True)
    if macros:
        parts["ppt/vbaProject.bin"] = compound_file(project_streams(vba.inert(QUIET)))
    return package(parts)


FILES = {
    "armed.ppt": lambda: ppt(stored("Auto_Open")),
    "armed-not-compressed.ppt": lambda: ppt(stored("Auto_Open", packed=False)),
    "armed-second-object.ppt": lambda: ppt(stored(QUIET), stored("App_SlideShowBegin")),
    "armed-inside-another-record.ppt": lambda: ppt(record(0x0FF0, stored("Auto_Open"))),
    "armed-mouse-over.ppt": lambda: ppt(action(1, over=True), stored(QUIET)),
    "armed-starts-a-program.ppt": lambda: ppt(action(2, over=False)),
    "armed-mouse-over.pptm": lambda: pptm("hlinkMouseOver", "ppaction://macro?name=FormatTable"),
    "armed-starts-a-program.pptx": lambda: pptm(
        "hlinkClick", "ppaction://program", "file:///C:/inert.exe", macros=False
    ),
    "clean.ppt": ppt,
    "clean-link.ppt": lambda: ppt(action(4, over=True), action(1, over=True)),
    "clean-link.pptx": lambda: pptm("hlinkClick", "", "https://www.example/inert.html", macros=False),
}
