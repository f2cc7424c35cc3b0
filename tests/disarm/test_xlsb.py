"""Binary workbooks, disarmed: the records that stay count sheets and names as before."""

import struct
from pathlib import Path

import pytest

from gateway import samples
from gateway.closed_sets import Verdict
from gateway.samples.package import OFFICE, package, parts_of
from gateway.scan import Limits
from gateway.scan.budget import Budget
from gateway.scan.disarm import CannotDisarm
from gateway.scan.documents import xlsb as reader
from tests.disarm import harness
from tests.e2e.tools import need
from tests.makers import office, xlsb

BOOK = "xl/workbook.bin"


def book_of(content: bytes) -> list[reader.Record]:
    return list(reader.records(parts_of(content)[BOOK], Budget(Limits())))


def test_macro_sheets_go_and_numbers_follow() -> None:
    found = harness.disarmed(xlsb.workbook(), "a.xlsb")
    assert found.name == "a.xlsb"
    assert found.removed == ("its Excel 4.0 macros",)
    assert harness.macro_parts(found.content) == []
    book = reader.read_workbook(parts_of(found.content)[BOOK], Budget(Limits()))
    assert [sheet.name for sheet in book.sheets] == ["First", "Second"]
    assert [name for name, _ in book.names] == ["_removed1", "Kept", "Local", "_removed4"]
    assert [book.reader().text(formula) for _, formula in book.names] == [
        "#ERROR",
        "Second!A1",
        "Second!A1",
        "#ERROR",
    ]
    records = book_of(found.content)
    view = next(record.body for record in records if record.kind == xlsb.VIEW)
    assert struct.unpack_from("<II", view, 20) == (0, 1)
    names = [record.body for record in records if record.kind == xlsb.NAME]
    assert [struct.unpack_from("<I", name, 5)[0] for name in names] == [xlsb.GLOBAL, xlsb.GLOBAL, 1, xlsb.GLOBAL]
    externs = next(record.body for record in records if record.kind == xlsb.EXTERN)
    assert list(struct.iter_unpack("<Iii", externs[4:])) == [(0, 0, 0), (0, -1, -1), (0, 1, 1)]


def test_all_other_records_and_parts_keep_their_bytes() -> None:
    before, after = xlsb.workbook(), harness.disarmed(xlsb.workbook(), "a.xlsb").content
    told = {xlsb.BUNDLE, xlsb.NAME, xlsb.VIEW, xlsb.EXTERN}
    assert [r for r in book_of(before) if r.kind not in told] == [r for r in book_of(after) if r.kind not in told]
    parts, left = parts_of(before), parts_of(after)
    assert set(parts) - set(left) == {"xl/macrosheets/sheet1.bin"}
    assert {name for name in left if left[name] != parts[name]} == {BOOK, office.TYPES, "xl/_rels/workbook.bin.rels"}


def test_the_only_visible_sheet_that_is_left_is_shown() -> None:
    parts = parts_of(xlsb.workbook())
    for title in ("First", "Second"):
        at = parts[BOOK].index(xlsb.wide(title)) - len(xlsb.wide("rId1")) - 8
        parts[BOOK] = parts[BOOK][:at] + struct.pack("<I", 2) + parts[BOOK][at + 4 :]
    left = harness.disarmed(package(parts), "a.xlsb").content
    assert [sheet.state for sheet in reader.read_workbook(parts_of(left)[BOOK], Budget(Limits())).sheets] == [0, 2]


def test_links_by_dde_are_refused() -> None:
    def change(parts: dict[str, bytes]) -> None:
        link = xlsb.record(360, struct.pack("<H", 1) + xlsb.wide("cmd") + xlsb.wide("/c rem"))
        office.add_part(parts, BOOK, f"{OFFICE}/externalLink", "xl/externalLinks/externalLink1.bin", link)

    with pytest.raises(CannotDisarm, match="DDE"):
        harness.disarmed(office.changed(xlsb.workbook(), change), "a.xlsb")


def test_readers_see_the_same(tmp_path: Path) -> None:
    need("soffice")
    documents = {"a.xlsb": xlsb.workbook(), "b.xlsb": samples.xlsb_xlm_auto_open()}
    for folder in ("before", "after"):
        (tmp_path / folder).mkdir()
    before = harness.opened(documents, tmp_path / "before")
    left = {name: harness.disarmed(content, name).content for name, content in documents.items()}
    assert all(harness.scanned(content, name).verdict is Verdict.CLEAN for name, content in left.items())
    after = harness.opened(left, tmp_path / "after")
    for name in documents:
        kept = {sheet: rows for sheet, rows in before[name].sheets.items() if sheet != "Macro1"}
        assert kept == after[name].sheets
    assert list(after["a.xlsb"].sheets) == ["First", "Second"]
