"""OpenDocument in a package and in one file, with what is asked for put in (OASIS ODF 1.3)."""

from __future__ import annotations

from gateway.samples.package import package

_URN = "urn:oasis:names:tc:opendocument:xmlns"
_SPACES = " ".join(
    f'xmlns:{name}="{_URN}:{name}:1.0"'
    for name in ("office", "text", "table", "drawing", "script", "form", "meta", "presentation", "style")
)
SPACES = f'{_SPACES} xmlns:draw="{_URN}:drawing:1.0" xmlns:xlink="http://www.w3.org/1999/xlink"'
ENCRYPTION = '<m:file-entry><m:encryption-data m:checksum="x"/></m:file-entry>'
BASIC = "REM  *****  BASIC  *****\nSub Main\n  ' INERT\nEnd Sub\n"


def content(scripts: str = "", body: str = "", root: str = "document-content") -> str:
    """``content.xml``: ``scripts`` go where the events of the document stand."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><office:{root} {SPACES}><office:scripts>{scripts}</office:scripts>'
        f"<office:body><office:text><text:p>Text</text:p>{body}</office:text></office:body></office:{root}>"
    )


def listener(event: str, macro: str = "Standard.Module1.Main") -> str:
    """An event of the document that calls a macro."""
    address = f"vnd.sun.star.script:{macro}?language=Basic&amp;location=document"
    return f'<script:event-listener script:language="ooo:script" script:event-name="{event}" xlink:href="{address}"/>'


def listeners(event: str) -> str:
    return f"<office:event-listeners>{listener(event)}</office:event-listeners>"


def odf(text: str = "", *, manifest: str = "", kind: str = "text", **parts: str | bytes) -> bytes:
    """A package; in the names of ``parts`` two underscores stand for a slash and one for a dot."""
    named = {name.replace("__", "/").replace("_", "."): part for name, part in parts.items()}
    return package(
        {
            "mimetype": f"application/vnd.oasis.opendocument.{kind}",
            "content.xml": text or content(),
            "META-INF/manifest.xml": f'<m:manifest xmlns:m="{_URN}:manifest:1.0">{manifest}</m:manifest>',
            **named,
        }
    )


def module(code: str = BASIC) -> str:
    """A module of LibreOffice Basic."""
    code = code.replace("&", "&amp;").replace("<", "&lt;")
    return (
        '<?xml version="1.0"?><!DOCTYPE script:module PUBLIC "-//OpenOffice.org//DTD OfficeDocument" "module.dtd">'
        '<script:module xmlns:script="http://openoffice.org/2000/script" script:name="Module1"'
        f' script:language="StarBasic">{code}</script:module>'
    )


def library(*modules: str) -> str:
    """The index of a library."""
    listed = "".join(f'<library:element library:name="{name}"/>' for name in modules)
    space = 'xmlns:library="http://openoffice.org/2000/library"'
    return f'<library:library {space} library:name="Standard">{listed}</library:library>'


def with_basic(text: str = "", code: str = BASIC) -> bytes:
    """A package with one module."""
    index = library("Module1")
    return odf(text, Basic__Standard__Module1_xml=module(code), **{"Basic__Standard__script-lb_xml": index})


def flat(scripts: str = "", body: str = "") -> bytes:
    """The same in one XML file."""
    return content(scripts, body, root="document").encode()


def flat_basic(code: str = BASIC) -> str:
    """A module as one XML file holds it."""
    return (
        '<office:script script:language="ooo:Basic"><ooo:libraries xmlns:ooo="http://openoffice.org/2004/office">'
        '<ooo:library-embedded ooo:name="Standard"><ooo:module ooo:name="Module1"><ooo:source-code>'
        f"{code}</ooo:source-code></ooo:module></ooo:library-embedded></ooo:libraries></office:script>"
    )
