"""What is around a document, and documents in other forms: disarmed, and LibreOffice shows the same as before."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from gateway import samples
from gateway.closed_sets import Verdict
from gateway.samples import vba
from gateway.samples.package import package, parts_of
from tests import libreoffice
from tests.disarm import harness
from tests.e2e.tools import need
from tests.makers import locks, odf, office, rtf
from tests.makers.archives import tar
from tests.makers.flat import flat_opc, parts_of_flat, project_2003, word_2003
from tests.makers.web import activemime
from tests.makers.zips import Item, build

DOCM = office.armed(samples.docx(), "docm")
OBJECT = rtf.embedded(rtf.ole1("Word.Document.8", samples.doc_autoopen())).replace(
    b"{\\result }", b"{\\result What the object shows}"
)
FIELD = b'{\\field{\\*\\fldinst DDEAUTO cmd "/c inert"}{\\fldrslt Forty-two}}'
EXCEL = "VelvetSweatshop"
"""What Excel tries by itself, and LibreOffice for every document; on a command line it takes no other password."""
DOCUMENTS = {
    "rich.rtf": rtf.rtf(b"Gr\\'fc\\'dfe\\par " + OBJECT + b"\\par " + FIELD + b"\\par The end"),
    "locked.docm": locks.office(DOCM, EXCEL),
    "locked-2007.docm": locks.office_2007(DOCM, EXCEL),
    "old.doc": word_2003("Grüße", project_2003(activemime(vba.project(DOCM)))),
}


def unpacked(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name, b"tulip") for name in archive.namelist()}


def in_opendocument(folder: Path) -> bytes:
    """A document by LibreOffice with macros put in, which it starts by itself."""
    (folder / "a.docx").write_bytes(samples.docx())
    libreoffice.turn([libreoffice.Job("odt", folder, (folder / "a.docx",))])
    found: dict[str, bytes | str] = dict(parts_of((folder / "a.odt").read_bytes()))
    listed = "".join(
        f'<manifest:file-entry manifest:full-path="{name}" manifest:media-type="text/xml"/>'
        for name in ("Basic/Standard/script-lb.xml", "Basic/Standard/Module1.xml", "Basic/script-lc.xml")
    )
    manifest, text = (str(found[name], "utf-8") for name in ("META-INF/manifest.xml", "content.xml"))
    events = f"<office:scripts>{odf.listeners('dom:load')}</office:scripts>"
    found |= {
        "META-INF/manifest.xml": manifest.replace("</manifest:manifest>", f"{listed}</manifest:manifest>"),
        "content.xml": text.replace("<office:scripts/>", events),
        "Basic/script-lc.xml": "<libraries/>",
        "Basic/Standard/script-lb.xml": odf.library("Module1"),
        "Basic/Standard/Module1.xml": odf.module(),
    }
    return package(found)


def compared(before: dict[str, bytes], folder: Path) -> None:
    """Each document and what becomes of it, shown by LibreOffice."""
    after, called = {}, {}
    for name, content in before.items():
        assert harness.scanned(content, name).verdict is not Verdict.CLEAN, name
        result = harness.disarmed(content, name)
        assert harness.scanned(result.content, result.name).verdict is Verdict.CLEAN, name
        assert len(result.content) <= len(content) * 1.01, name
        after[result.name] = result.content
        called[result.name] = name
    for side in ("before", "after"):
        (folder / side).mkdir()
    seen, again = harness.opened(before, folder / "before"), harness.opened(after, folder / "after")
    assert sorted(seen) == sorted(called[name] for name in again) == sorted(before)
    assert {name: (one.text, one.sheets) for name, one in seen.items()} == {
        called[name]: (one.text, one.sheets) for name, one in again.items()
    }
    assert all(one.text for one in seen.values())


def test_readers_see_the_same(tmp_path: Path) -> None:
    need("soffice")
    compared({**DOCUMENTS, "text.odt": in_opendocument(tmp_path)}, tmp_path)


def test_a_package_in_one_file_is_the_same_package_without_macros() -> None:
    """LibreOffice does not read this form; its parts are those of the document that was disarmed as a package."""
    result = harness.disarmed(flat_opc(DOCM), "x.xml").content
    package_parts = harness.parts(harness.disarmed(DOCM, "x.docm").content)
    found = parts_of_flat(result)
    flat = {name: part for name, part in found.items() if not name.endswith(".rels") or b"<Relationship " in part}
    assert flat.keys() == package_parts.keys() - {"[Content_Types].xml"}
    for name, part in flat.items():
        if name.endswith(".rels"):
            assert part.count(b"<Relationship ") == package_parts[name].count(b"<Relationship ")
        else:
            assert part in package_parts[name]


@pytest.mark.parametrize("locked", [False, True])
def test_documents_of_every_family_in_one_archive(locked: bool) -> None:
    documents = {
        "a.docm": DOCM,
        "b.xlsm": samples.xlsm_workbook_open(),
        "c.doc": samples.doc_autoopen(),
        "d.rtf": DOCUMENTS["rich.rtf"],
        "e.tar": tar("f.docm", DOCM),
    }
    items = [Item(name, content) for name, content in documents.items()]
    if locked:
        items = [locks.zip_crypto(name, content, b"tulip") for name, content in documents.items()]
    data = build([*items, Item("note.txt", b"The password is tulip")])
    result = harness.disarmed(data, "all.zip", "tulip")
    found = unpacked(result.content)
    assert list(found) == ["a.docx", "b.xlsx", "c.doc", "d.rtf", "e.tar", "note.txt"]
    for name, content in found.items():
        assert harness.scanned(content, name).verdict is Verdict.CLEAN, name
    old = dict(zip(found, documents.items(), strict=False))
    for name, (before, content) in old.items():
        assert found[name] == harness.disarmed(content, before).content
    assert len(result.content) <= len(data) * 1.01
