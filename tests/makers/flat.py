"""Packages as one XML file, as Word writes them: Flat OPC. And documents of Word 2003."""

from __future__ import annotations

import base64
import io
import re
import zipfile

PACKAGE = "http://schemas.microsoft.com/office/2006/xmlPackage"
WORD_2003 = "http://schemas.microsoft.com/office/word/2003/wordml"
_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*\?>\s*")
_PART = re.compile(rb'<pkg:part pkg:name="([^"]+)"[^>]*><pkg:(\w+)>(.*?)</pkg:\w+></pkg:part>', re.DOTALL)
_OVERRIDE = re.compile(r'PartName="([^"]+)" ContentType="([^"]+)"')


def flat_opc(package: bytes) -> bytes:
    """Every part of a package in one file."""
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    types = dict(_OVERRIDE.findall(parts.pop("[Content_Types].xml").decode()))
    told = [_part(name, content, types.get(f"/{name}", "")) for name, content in parts.items()]
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n<?mso-application progid="Word.Document"?>\r\n'
    return f'{head}<pkg:package xmlns:pkg="{PACKAGE}">{"".join(told)}</pkg:package>'.encode()


def _part(name: str, content: bytes, kind: str) -> str:
    if name.endswith(".rels"):
        kind = "application/vnd.openxmlformats-package.relationships+xml"
    if name.endswith((".rels", ".xml")):
        data = f"<pkg:xmlData>{_DECLARATION.sub('', content.decode())}</pkg:xmlData>"
    else:
        kind = kind or "application/vnd.ms-office.vbaProject"
        data = f"<pkg:binaryData>{base64.encodebytes(content).decode()}</pkg:binaryData>"
    return f'<pkg:part pkg:name="/{name}" pkg:contentType="{kind}">{data}</pkg:part>'


def word_2003(text: str, data: str = "", more: str = "") -> bytes:
    """``data`` stands where the macro project does, ``more`` among the properties of the document."""
    return (
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n<?mso-application progid="Word.Document"?>\r\n'
        f'<w:wordDocument xmlns:w="{WORD_2003}" w:macrosPresent="{"yes" if data else "no"}" xml:space="preserve">'
        f"{data}<w:docPr>{more}</w:docPr><w:body><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:body></w:wordDocument>"
    ).encode()


def project_2003(content: bytes, name: str = "editdata.mso") -> str:
    """Where a document of Word 2003 has its macro project."""
    encoded = base64.encodebytes(content).decode()
    return f'<w:docSuppData><w:binData w:name="{name}">{encoded}</w:binData></w:docSuppData>'


def parts_of_flat(content: bytes) -> dict[str, bytes]:
    """The parts in one file, text as it stands there."""
    found = {}
    for name, kind, data in _PART.findall(content):
        found[name.decode().lstrip("/")] = base64.b64decode(data) if kind == b"binaryData" else data
    return found
