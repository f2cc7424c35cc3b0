"""Documents of Office since 2007 with something in them that runs, made from clean ones of any content; all is inert.

``armed`` puts a macro project, with everything that goes with one, into a package; the others put in one thing each.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping
from functools import cache

from gateway import samples
from gateway.samples import vba
from gateway.samples.package import MICROSOFT, OFFICE, package, parts_of
from tests.clean import written
from tests.makers.ole import compound
from tests.makers.workbooks import MAIN as SHEET_ML

TYPES = "[Content_Types].xml"
BOOK = "xl/workbook.xml"
_OPEN = "application/vnd.openxmlformats-officedocument."
_MS = "application/vnd.ms-"
ARMED: dict[str, tuple[str, str, str]] = {
    "docm": ("docx", f"{_OPEN}wordprocessingml.document.main+xml", f"{_MS}word.document.macroEnabled.main+xml"),
    "dotm": ("docx", f"{_OPEN}wordprocessingml.document.main+xml", f"{_MS}word.template.macroEnabledTemplate.main+xml"),
    "xlsm": ("xlsx", f"{_OPEN}spreadsheetml.sheet.main+xml", f"{_MS}excel.sheet.macroEnabled.main+xml"),
    "xltm": ("xlsx", f"{_OPEN}spreadsheetml.sheet.main+xml", f"{_MS}excel.template.macroEnabled.main+xml"),
    "xlam": ("xlsx", f"{_OPEN}spreadsheetml.sheet.main+xml", f"{_MS}excel.addin.macroEnabled.main+xml"),
    "pptm": (
        "pptx",
        f"{_OPEN}presentationml.presentation.main+xml",
        f"{_MS}powerpoint.presentation.macroEnabled.main+xml",
    ),
    "potm": ("pptx", f"{_OPEN}presentationml.presentation.main+xml", f"{_MS}powerpoint.template.macroEnabled.main+xml"),
    "ppsm": (
        "pptx",
        f"{_OPEN}presentationml.presentation.main+xml",
        f"{_MS}powerpoint.slideshow.macroEnabled.main+xml",
    ),
    "ppam": ("pptx", f"{_OPEN}presentationml.presentation.main+xml", f"{_MS}powerpoint.addin.macroEnabled.main+xml"),
}
"""What a document is made from, and the type of its main part before and after."""
HARMLESS = {
    "docm": "docx",
    "dotm": "dotx",
    "xlsm": "xlsx",
    "xltm": "xltx",
    "xlam": "xlsx",
    "pptm": "pptx",
    "potm": "potx",
    "ppsm": "ppsx",
    "ppam": "pptx",
}
MAIN = {"docx": "word/document.xml", "xlsx": "xl/workbook.xml", "pptx": "ppt/presentation.xml"}
Change = Callable[[dict[str, bytes]], None]


@cache
def project() -> bytes:
    """A macro project with an empty macro."""
    return vba.project(samples.docm_autoopen())


def armed(content: bytes, kind: str) -> bytes:
    """The package as a document of the kind ``docm`` ... ``ppam``: with a project, its signatures and its events."""
    plain, old, new = ARMED[kind]
    parts = parts_of(content)
    folder = MAIN[plain].partition("/")[0]
    assert old.encode() in parts[TYPES], kind
    parts[TYPES] = parts[TYPES].replace(old.encode(), new.encode())
    add_part(
        parts, MAIN[plain], f"{MICROSOFT}/vbaProject", f"{folder}/vbaProject.bin", project(), f"{_MS}office.vbaProject"
    )
    for suffix in ("", "Agile", "V3"):
        add_part(
            parts,
            f"{folder}/vbaProject.bin",
            f"{MICROSOFT}/vbaProjectSignature{suffix}",
            f"{folder}/vbaProjectSignature{suffix}.bin",
            b"no signature",
            f"{_MS}office.vbaProjectSignature{suffix}",
        )
    if plain == "docx":
        events = '<wne:vbaSuppData xmlns:wne="http://schemas.microsoft.com/office/word/2006/wordml"/>'
        kind = f"{_MS}word.vbaData+xml"
        add_part(
            parts,
            f"{folder}/vbaProject.bin",
            f"{MICROSOFT}/wordVbaData",
            f"{folder}/vbaData.xml",
            events.encode(),
            kind,
        )
    return package(parts)


def changed(content: bytes, change: Change) -> bytes:
    """The package with its parts changed."""
    parts = parts_of(content)
    change(parts)
    return package(parts)


def add_part(
    parts: dict[str, bytes], source: str, relation: str, name: str, content: bytes, content_type: str = ""
) -> str:
    """Put a part into a package, its type, and the relationship ``source`` has to it; gives the id of that."""
    parts[name] = content
    if content_type:
        override = f'<Override PartName="/{name}" ContentType="{content_type}"/>'
        parts[TYPES] = insert(parts[TYPES], "</Types>", override)
    return relate(parts, source, relation, f"/{name}")


def relate(parts: dict[str, bytes], source: str, relation: str, target: str, *, external: bool = False) -> str:
    """A further relationship of ``source`` ("" is the package); gives its id."""
    folder, _, file = source.rpartition("/")
    rels = f"{folder}/_rels/{file}.rels".lstrip("/")
    empty = b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"></Relationships>'
    parts.setdefault(rels, empty)
    number = f"rIdX{len(re.findall(rb'<Relationship ', parts[rels]))}"
    mode = ' TargetMode="External"' if external else ""
    element = f'<Relationship Id="{number}" Type="{relation}" Target="{target}"{mode}/>'
    parts[rels] = insert(parts[rels], "</Relationships>", element)
    return number


def insert(content: bytes, before: str, text: str) -> bytes:
    """``text`` before the last ``before``."""
    head, found, tail = content.rpartition(before.encode())
    assert found, before
    return head + text.encode() + found + tail


def harmless_name(name: str) -> str:
    """The name a disarmed document has."""
    stem, _, extension = name.rpartition(".")
    return f"{stem}.{HARMLESS.get(extension, extension)}"


def no_add_in(name: str, content: bytes) -> tuple[str, bytes]:
    """An add-in as the document with macros it would be: LibreOffice opens no add-ins."""
    for add_in, kind in (("xlam", "xlsm"), ("ppam", "pptm")):
        if name.endswith(f".{add_in}"):
            parts = parts_of(content)
            parts[TYPES] = parts[TYPES].replace(ARMED[add_in][2].encode(), ARMED[kind][2].encode())
            return f"{name.removesuffix(add_in)}{kind}", package(parts)
    return name, content


def family(documents: Mapping[str, bytes], extension: str) -> dict[str, bytes]:
    """Those of ``documents`` with that extension."""
    return {name: content for name, content in documents.items() if name.endswith(f".{extension}")}


# --- one thing each ---------------------------------------------------------------------------------------------------

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_VML = 'xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office"'
_MC = "http://schemas.openxmlformats.org/markup-compatibility/2006"
_PNG = written.picture(8)


def runs(*kinds: str) -> str:
    """Runs of a field: ``begin``, ``separate``, ``end``; ``=text`` is shown, anything else is an instruction."""
    return "".join(f"<w:r>{_run(kind)}</w:r>" for kind in kinds)


def _run(kind: str) -> str:
    if kind in {"begin", "separate", "end"}:
        return f'<w:rPr><w:b/></w:rPr><w:fldChar w:fldCharType="{kind}"/>'
    return f"<w:t>{kind[1:]}</w:t>" if kind.startswith("=") else f"<w:instrText>{kind}</w:instrText>"


def with_body(parts: dict[str, bytes], body: str) -> None:
    """Put WordprocessingML at the end of a document."""
    content = parts["word/document.xml"]
    before = b"<w:sectPr" if b"<w:sectPr" in content else b"</w:body>"
    head, found, tail = content.rpartition(before)
    parts["word/document.xml"] = head + body.encode() + found + tail


def word_object(
    parts: dict[str, bytes], element: str, content: bytes, name: str, relation: str, kind: str = ""
) -> None:
    """An object with its picture in a Word document; ``element`` is what refers to it, with ``{id}``."""
    id_ = add_part(parts, "word/document.xml", relation, name, content, kind)
    picture = add_part(parts, "word/document.xml", f"{OFFICE}/image", "word/media/object.png", _PNG, "image/png")
    shape = f'<v:shape id="s1" style="width:40pt;height:20pt"><v:imagedata r:id="{picture}"/></v:shape>'
    names = f'{_VML} xmlns:r="{R}"'
    with_body(parts, f"<w:p><w:r><w:object {names}>{shape}{element.format(id=id_)}</w:object></w:r></w:p>")


def word_control(parts: dict[str, bytes]) -> None:
    """A button (ActiveX) with its binary."""
    ocx = (
        '<ax:ocx xmlns:ax="http://schemas.microsoft.com/office/2006/activeX" '
        'ax:classid="{D7053240-CE69-11CD-A777-00DD01143C57}" ax:persistence="persistStreamInit"/>'
    )
    control = '<w:control r:id="{id}" w:name="CommandButton1" w:shapeid="s1"/>'
    name = "word/activeX/activeX1.xml"
    kind = "application/vnd.ms-office.activeX+xml"
    word_object(parts, control, ocx.encode(), name, f"{OFFICE}/control", kind)
    add_part(
        parts, name, f"{MICROSOFT}/activeXControlBinary", "word/activeX/activeX1.bin", b"state", f"{_MS}office.activeX"
    )


def word_embedded(content: bytes, program: str, extension: str) -> Change:
    """A document embedded in a Word document as Word does it."""

    def change(parts: dict[str, bytes]) -> None:
        element = f'<o:OLEObject Type="Embed" ProgID="{program}" ShapeID="s1" DrawAspect="Icon" r:id="{{id}}"/>'
        relation = f"{OFFICE}/{'oleObject' if extension == 'bin' else 'package'}"
        word_object(parts, element, content, f"word/embeddings/file1.{extension}", relation, "application/x-embedded")

    return change


def packed_file(name: str, content: bytes) -> bytes:
    """An OLE package, as drag and drop makes it (MS-OLEDS 2.3.6)."""
    title = name.encode() + b"\0"
    body = struct.pack("<H", 2) + title + title + struct.pack("<II", 0x30000, len(title)) + title
    body += struct.pack("<I", len(content)) + content
    return compound({"\x01Ole10Native": struct.pack("<I", len(body)) + body})


def template(target: str) -> Change:
    """A template elsewhere, attached to a document."""

    def change(parts: dict[str, bytes]) -> None:
        id_ = relate(parts, "word/settings.xml", f"{OFFICE}/attachedTemplate", target, external=True)
        element = f'<w:attachedTemplate xmlns:r="{R}" r:id="{id_}"/>'
        root = re.search(rb"<w:settings[^>]*>", parts["word/settings.xml"])
        assert root
        at = root.end()
        parts["word/settings.xml"] = (
            parts["word/settings.xml"][:at] + element.encode() + parts["word/settings.xml"][at:]
        )

    return change


def ribbon(parts: dict[str, bytes]) -> None:
    """A ribbon that calls a macro."""
    xml = b'<customUI xmlns="http://schemas.microsoft.com/office/2006/01/customui" onLoad="Nothing"/>'
    add_part(parts, "", f"{MICROSOFT}/ui/extensibility", "customUI/customUI.xml", xml)


def shortcuts(parts: dict[str, bytes]) -> None:
    """A keyboard shortcut for a macro and a toolbar."""
    xml = (
        f'<wne:tcg xmlns:r="{R}" xmlns:wne="http://schemas.microsoft.com/office/word/2006/wordml"><wne:keymaps>'
        '<wne:keymap wne:kcmPrimary="0441"><wne:macro wne:macroName="A.B.C"/></wne:keymap></wne:keymaps></wne:tcg>'
    )
    kind = f"{_MS}word.keyMapCustomizations+xml"
    name = "word/customizations.xml"
    add_part(parts, "word/document.xml", f"{MICROSOFT}/keyMapCustomizations", name, xml.encode(), kind)
    add_part(
        parts, name, f"{MICROSOFT}/attachedToolbars", "word/attachedToolbars.bin", b"bar", f"{_MS}word.attachedToolbars"
    )


def signature(parts: dict[str, bytes]) -> None:
    """A signature of the whole package."""
    relation = "http://schemas.openxmlformats.org/package/2006/relationships/digital-signature"
    kind = "application/vnd.openxmlformats-package.digital-signature"
    add_part(parts, "", f"{relation}/origin", "_xmlsignatures/origin.sigs", b"", f"{kind}-origin")
    name = "_xmlsignatures/sig1.xml"
    add_part(parts, "_xmlsignatures/origin.sigs", f"{relation}/signature", name, b"<s/>", f"{kind}-xmlsignature+xml")


def macro_sheet(parts: dict[str, bytes]) -> None:
    """A macro sheet before all other sheets, run by its name, with names of other sheets and a list of formulas."""
    sheet = (
        f'<xm:macrosheet xmlns="{SHEET_ML}" xmlns:xm="http://schemas.microsoft.com/office/excel/2006/main">'
        '<sheetData><row r="1"><c r="A1"><f>RETURN()</f></c></row></sheetData></xm:macrosheet>'
    )
    relation = f"{MICROSOFT}/xlMacrosheet"
    id_ = add_part(parts, BOOK, relation, "xl/macrosheets/sheet1.xml", sheet.encode(), f"{_MS}excel.macrosheet+xml")
    chain = f'<calcChain xmlns="{SHEET_ML}"><c r="A1" i="99"/></calcChain>'.encode()
    kind = f"{_OPEN}spreadsheetml.calcChain+xml"
    add_part(parts, BOOK, f"{OFFICE}/calcChain", "xl/calcChain.xml", chain, kind)
    book = parts[BOOK].decode()
    book = book.replace("<sheets>", f'<sheets><sheet name="It\'s" sheetId="99" xmlns:r="{R}" r:id="{id_}"/>')
    book = re.sub(r"<definedNames ?/>|<definedNames>.*</definedNames>", "", book)
    names = "".join(
        f"<definedName {attributes}>{refers}</definedName>"
        for attributes, refers in (
            ('name="_xlnm.Auto_Open"', "'It''s'!$A$1"),
            ('name="Helper" hidden="1"', "'It''s'!$A$1"),
            ('name="Inside" localSheetId="0"', "1"),
            ('name="Kept"', "2"),
            ('name="Local" localSheetId="1"', "3"),
        )
    )
    book = book.replace("</sheets>", f"</sheets><definedNames>{names}</definedNames>")
    parts[BOOK] = re.sub(r'activeTab="\d+"', 'activeTab="1"', book).encode()


def dde_link(parts: dict[str, bytes]) -> None:
    """A cell that asks a program by DDE, and shows what that said last."""
    link = f'<externalLink xmlns="{SHEET_ML}"><ddeLink ddeService="cmd" ddeTopic="/c rem inert"/></externalLink>'
    kind = f"{_OPEN}spreadsheetml.externalLink+xml"
    name = "xl/externalLinks/externalLink1.xml"
    id_ = add_part(parts, BOOK, f"{OFFICE}/externalLink", name, link.encode(), kind)
    references = f'<externalReferences><externalReference xmlns:r="{R}" r:id="{id_}"/></externalReferences>'
    book = parts[BOOK].decode()
    parts[BOOK] = book.replace("</sheets>", f"</sheets>{references}").encode()
    add_cell(parts, "<f>[1]!A0</f><v>4711</v>")


def add_cell(parts: dict[str, bytes], cell: str) -> None:
    """A row with one cell at the end of the first sheet."""
    name = "xl/worksheets/sheet1.xml"
    parts[name] = insert(parts[name], "</sheetData>", f'<row r="9000"><c r="A9000">{cell}</c></row>')


def sheet_control(parts: dict[str, bytes]) -> None:
    """A button (ActiveX) on a sheet, as Excel writes it for itself and for older readers."""
    name, kind = "xl/worksheets/sheet1.xml", f"{_MS}office.activeX+xml"
    id_ = add_part(parts, name, f"{OFFICE}/control", "xl/activeX/activeX1.xml", b"<ocx/>", kind)
    control = f'<control shapeId="1025" r:id="{id_}" name="CommandButton1"'
    text = (
        f'<mc:AlternateContent xmlns:mc="{_MC}" xmlns:r="{R}"><mc:Choice Requires="x14" '
        'xmlns:x14="http://schemas.microsoft.com/office/spreadsheetml/2009/9/main"><controls><mc:AlternateContent>'
        f'<mc:Choice Requires="x14">{control}><controlPr defaultSize="0"/></control></mc:Choice>'
        f"<mc:Fallback>{control}/></mc:Fallback></mc:AlternateContent></controls></mc:Choice></mc:AlternateContent>"
    )
    parts[name] = insert(parts[name], "</worksheet>", text)


def slide_control(parts: dict[str, bytes]) -> None:
    """A button (ActiveX) on a slide with the picture older readers show."""
    name = "ppt/slides/slide1.xml"
    id_ = add_part(parts, name, f"{OFFICE}/control", "ppt/activeX/activeX1.xml", b"<ocx/>", f"{_MS}office.activeX+xml")
    picture = add_part(parts, name, f"{OFFICE}/image", "ppt/media/control.png", _PNG, "image/png")
    shown = (
        '<p:pic><p:nvPicPr><p:cNvPr id="1026" name="CommandButton1"/><p:cNvPicPr/><p:nvPr/></p:nvPicPr><p:blipFill>'
        f'<a:blip r:embed="{picture}"/><a:stretch><a:fillRect/></a:stretch></p:blipFill><p:spPr><a:xfrm>'
        '<a:off x="0" y="0"/><a:ext cx="900000" cy="300000"/></a:xfrm><a:prstGeom prst="rect"/></p:spPr></p:pic>'
    )
    text = (
        f'<p:controls><p:control r:id="{id_}" name="CommandButton1" imgW="9" imgH="3">{shown}</p:control></p:controls>'
    )
    parts[name] = insert(parts[name], "</p:cSld>", text)


def slide_action(parts: dict[str, bytes]) -> None:
    """A shape that starts a program when the mouse is over it."""
    name = "ppt/slides/slide1.xml"
    id_ = relate(parts, name, f"{OFFICE}/hyperlink", "inert.exe", external=True)
    content = parts[name].decode()
    action = f'<a:hlinkHover r:id="{id_}" action="ppaction://program"/>'
    changed = re.sub(r'(<p:cNvPr id="\d+" name="[^"]*")/>', rf"\1>{action}</p:cNvPr>", content, count=1)
    assert changed != content
    parts[name] = changed.encode()


def refreshed(parts: dict[str, bytes]) -> None:
    """A connection to elsewhere that is fetched on opening."""
    xml = (
        f'<connections xmlns="{SHEET_ML}"><connection id="1" name="c" type="4" refreshedVersion="6" refreshOnLoad="1">'
        '<webPr url="http://example.com/data"/></connection></connections>'
    )
    kind = f"{_OPEN}spreadsheetml.connections+xml"
    add_part(parts, BOOK, f"{OFFICE}/connections", "xl/connections.xml", xml.encode(), kind)
