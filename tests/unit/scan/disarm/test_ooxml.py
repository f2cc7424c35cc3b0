"""Packages, disarmed: what is odd about a package is refused, and no damage makes anything but the two answers."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import samples
from gateway.closed_sets import Verdict
from gateway.samples.package import OFFICE, package, parts_of
from gateway.scan.disarm import CannotDisarm, ooxml_types
from tests.disarm import harness
from tests.makers import office, xlsb


@cache
def victims() -> list[tuple[str, bytes]]:
    return [
        ("a.docm", samples.docm_autoopen()),
        ("a.xlsm", samples.xlsm_xlm_auto_open()),
        ("a.xlsb", xlsb.workbook()),
        ("b.xlsb", samples.xlsb_workbook_open()),
        ("a.docx", office.changed(samples.docx(), lambda parts: office.with_body(parts, FIELD))),
        ("a.xlsx", office.changed(samples.xlsx(), office.dde_link)),
    ]


FIELD = f"<w:p>{office.runs('begin', 'DDE a b', 'separate', '=shown', 'end')}</w:p>"


def outcome(content: bytes, name: str) -> None:
    """Disarmed and clean, or refused with a sentence."""
    try:
        found = harness.disarmed(content, name)
    except CannotDisarm as refused:
        found, sentence = None, str(refused)
    else:
        sentence = ""
    assert sentence or (found and harness.scanned(found.content, found.name).verdict is Verdict.CLEAN)


@settings(max_examples=60)
@given(st.data())
def test_a_damaged_file_is_disarmed_or_refused(data: st.DataObject) -> None:
    name, content = data.draw(st.sampled_from(victims()))
    damaged = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    outcome(bytes(damaged), name)
    outcome(content[: data.draw(st.integers(0, len(content)))], name)


@settings(max_examples=80)
@given(st.data())
def test_damaged_parts_are_mended_or_refused(data: st.DataObject) -> None:
    name, content = data.draw(st.sampled_from(victims()))
    parts = parts_of(content)
    part = data.draw(st.sampled_from(sorted(parts)))
    text = bytearray(parts[part])
    if text:
        start = data.draw(st.integers(0, len(text) - 1))
        text[start : start + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=20))
    outcome(package({**parts, part: bytes(text)}), name)


@settings(max_examples=60)
@given(st.data())
def test_missing_parts_are_mended_or_refused(data: st.DataObject) -> None:
    name, content = data.draw(st.sampled_from(victims()))
    parts = parts_of(content)
    gone = data.draw(st.sets(st.sampled_from(sorted(parts)), min_size=1, max_size=3))
    outcome(package({part: text for part, text in parts.items() if part not in gone}), name)


def test_two_spellings_of_one_part_are_refused() -> None:
    parts = parts_of(samples.docm_autoopen())
    with pytest.raises(CannotDisarm, match="several parts"):
        harness.disarmed(package({**parts, "word/DOCUMENT.xml": parts["word/document.xml"]}), "a.docm")


def test_a_package_without_a_main_part_is_refused() -> None:
    parts = parts_of(samples.docm_autoopen())
    rels = parts["_rels/.rels"].replace(b"word/document.xml", b"word/nothing.xml")
    with pytest.raises(CannotDisarm, match="main part"):
        harness.disarmed(package({**parts, "_rels/.rels": rels}), "a.docm")


def test_a_reference_of_an_unknown_kind_is_refused() -> None:
    def change(parts: dict[str, bytes]) -> None:
        id_ = office.add_part(parts, office.MAIN["docx"], f"{OFFICE}/oleObject", "word/x.bin", samples.docm_autoopen())
        office.with_body(parts, f'<w:p><w:unknown xmlns:r="{office.R}" r:id="{id_}"/></w:p>')
        parts["word/x.bin"] = b"\x4c\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46".ljust(200, b"\0")

    with pytest.raises(CannotDisarm, match="unknown"):
        harness.disarmed(office.changed(samples.docx(), change), "a.docx")


def test_fields_nested_without_end_are_refused() -> None:
    deep = office.runs(*["begin"] * 60, "DDE a b")
    content = office.changed(samples.docx(), lambda parts: office.with_body(parts, f"<w:p>{deep}</w:p>"))
    with pytest.raises(CannotDisarm, match="deeper than 50"):
        harness.disarmed(content, "a.docx")


@pytest.mark.parametrize(
    ("name", "new"),
    [
        ("report.docm", "report.docx"),
        ("REPORT.DOCX", "REPORT.DOCX"),
        ("report.doc", "report.docx"),
        ("report", "report.docx"),
        ("report.v2", "report.v2.docx"),
        ("", ""),
    ],
)
def test_the_name_follows(name: str, new: str) -> None:
    main = ooxml_types.MAIN["application/vnd.ms-word.document.macroenabled.main+xml"]
    assert ooxml_types.named(name, main) == new
