"""Packages of Office, disarmed: nothing runs, all else is as it was, and LibreOffice shows the same as before."""

import warnings
from functools import cache
from pathlib import Path

import pytest

from gateway import samples
from gateway.closed_sets import Verdict
from tests.clean import written
from tests.disarm import harness
from tests.e2e.tools import need
from tests.makers import office


@cache
def documents() -> dict[str, bytes]:
    """Each clean document, armed as every kind its family has in turn."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the libraries' own
        clean = dict(written.documents())
    found: dict[str, bytes] = {}
    for plain in ("docx", "xlsx", "pptx"):
        kinds = [kind for kind, (source, *_) in office.ARMED.items() if source == plain]
        for number, (name, content) in enumerate(office.family(clean, plain).items()):
            kind = kinds[number % len(kinds)]
            found[f"{name.rpartition('.')[0]}.{kind}"] = office.armed(content, kind)
    found["sample.docm"] = samples.docm_autoopen()
    found["sample.xlsm"] = samples.xlsm_workbook_open()
    found["sample.xlsb"] = samples.xlsb_workbook_open()
    found["sample-addin.xlam"] = samples.xlam_workbook_open()
    return found


@cache
def results() -> dict[str, bytes]:
    return {name: harness.disarmed(content, name).content for name, content in documents().items()}


@pytest.mark.parametrize("kind", [*office.ARMED, "xlsb"])
def test_nobody_finds_a_macro_any_more(kind: str) -> None:
    for name, content in office.family(results(), kind).items():
        assert harness.scanned(documents()[name], name).verdict is not Verdict.CLEAN, name
        assert harness.scanned(content, name).verdict is Verdict.CLEAN, name
        assert harness.by_olevba(documents()[name], name), name
        assert not harness.by_olevba(content, name), name
        assert harness.macro_parts(content) == [], name


def test_all_else_keeps_its_bytes() -> None:
    for name, content in results().items():
        before, after = harness.parts(documents()[name]), harness.parts(content)
        assert after.keys() <= before.keys(), name
        gone = [part for part in before if part not in after]
        assert all("vba" in part.lower() for part in gone), name
        changed = {part for part in after if after[part] != before[part]}
        assert all(part == office.TYPES or part.endswith(".rels") for part in changed), name
        assert len(content) <= len(documents()[name]) * 1.01, name


def test_name_and_type_follow() -> None:
    for kind, plain in office.HARMLESS.items():
        name, content = next(iter(office.family(documents(), kind).items()))
        found = harness.disarmed(content, name)
        assert found.name == f"{name.rpartition('.')[0]}.{plain}"
        assert "macro" not in found.media_type
        assert found.removed == ("its macros",)


def test_readers_see_the_same(tmp_path: Path) -> None:
    need("soffice")
    for folder in ("before", "after"):
        (tmp_path / folder).mkdir()
    some = [name for number, name in enumerate(documents()) if number % 4 == 0 or "everything" in name]
    before = harness.opened(dict(office.no_add_in(name, documents()[name]) for name in some), tmp_path / "before")
    after = harness.opened({office.harmless_name(name): results()[name] for name in some}, tmp_path / "after")
    assert sorted(after) == sorted(office.harmless_name(name) for name in some)
    wrong = [old for old, new in zip(before, after, strict=True) if before[old] != after[new]]
    assert wrong == []
