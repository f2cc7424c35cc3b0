"""The corpus: one folder a format or an evasion, each with files made by its recipe and what has to be found in them.

``recipe.py`` has ``FILES``, a table of names and functions; ``expected.json`` the report of each file. Where they
differ, ``expected.json.got`` holds what was found; if that is right, rename it. Folders below ``private/``, which git
ignores, are run as well: there ``FILES`` may read documents that cannot be published.

A folder whose name begins with rows of the catalogue (``d24-macro-sheets``, ``m01-m02-two-encodings``,
``m70-to-m79-bent-base64``) shows that these evasions fail; ``docs/coverage.md`` is made of them. One word of a file's
name says what it is there for:

* ``armed``: a document that acts by itself, hidden this way. It must not be clean.
* ``clean``: the clean twin, made the same way with nothing to find. It must be clean.
* ``held``: nothing dangerous, in a place mail programs or archivers disagree about. Held, because nobody can be sure.
* ``noted``: an oddity with nothing behind it. Clean, and told.
"""

import importlib.util
import json
import re
from functools import cache
from pathlib import Path

import pytest

from gateway.closed_sets import FileType, Verdict
from gateway.message import Report
from gateway.scan import Limits, ScanRules, examine
from gateway.scan.sniff import candidates
from gateway.scan.unpack import READERS

HERE = Path(__file__).resolve().parent
RULES = HERE.parents[1] / "rules" / "triggers.toml"
FOLDERS = sorted(path.parent for path in HERE.rglob("recipe.py"))
EVASIONS = [folder for folder in FOLDERS if re.match(r"[md]\d", folder.name)]
_PURPOSE = re.compile(r"(?:^|[-_])(armed|clean|held|noted)(?=[-_.]|$)")

NOT_MADE = {
    FileType.MBOX: "attached in m104-attached-mailboxes, where its messages are listed in its place",
}
"""Types with a reader and without a file here, and why."""


@cache
def rules() -> ScanRules:
    signatures = tuple((path.name, path.read_text("utf-8")) for path in sorted(RULES.parent.glob("*.yar")))
    return ScanRules.parse(RULES.read_text("utf-8"), signatures)


@cache
def files_of(folder: Path) -> dict[str, bytes]:
    spec = importlib.util.spec_from_file_location(f"recipe_{folder.name.replace('-', '_')}", folder / "recipe.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {name: make() for name, make in module.FILES.items()}


@cache
def reports_of(folder: Path) -> dict[str, Report]:
    return {
        name: examine(data, rules=rules(), limits=Limits(), name=name, mail=name.endswith(".eml"))
        for name, data in files_of(folder).items()
    }


def shown(report: Report) -> dict:
    return {
        "verdict": report.verdict.label,
        "findings": [f"{f.verdict.label} {f.kind} {f.where}" for f in report.findings],
        "parts": [f"{p.verdict.label} {p.type} {p.where}" for p in report.parts],
    }


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_file_is_found_to_be_what_it_is(folder):
    got = {name: shown(report) for name, report in reports_of(folder).items()}
    expected = folder / "expected.json"
    text = json.dumps(got, indent=2, ensure_ascii=False) + "\n"
    if not expected.exists() or json.loads(expected.read_text("utf-8")) != got:
        (folder / "expected.json.got").write_text(text, "utf-8")
        assert expected.exists(), f"{expected} is missing; see expected.json.got"
        assert got == json.loads(expected.read_text("utf-8"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_folder_says_why_it_is_there(folder):
    assert (folder / "readme.md").read_text("utf-8").startswith("# ")


def purpose(name: str) -> str:
    found = _PURPOSE.search(name)
    assert found is not None, f"{name} does not say what it is there for: armed, clean, held or noted"
    return found[1]


@pytest.mark.parametrize("folder", EVASIONS, ids=lambda folder: folder.name)
def test_every_evasion_fails_and_its_clean_twin_passes(folder):
    holds = {
        "armed": lambda report: report.verdict is not Verdict.CLEAN,
        "clean": lambda report: report.verdict is Verdict.CLEAN,
        "held": lambda report: report.verdict is Verdict.UNSCANNABLE,
        "noted": lambda report: report.verdict is Verdict.CLEAN and report.findings,
    }
    purposes = set()
    for name, report in reports_of(folder).items():
        purposes.add(purpose(name))
        assert holds[purpose(name)](report), f"{name}: {shown(report)}"
    assert "clean" in purposes, "no clean twin"
    assert purposes - {"clean"}, "nothing but clean files"


def test_every_type_with_a_reader_has_a_file():
    made = {part.type for folder in FOLDERS for report in reports_of(folder).values() for part in report.parts}
    made |= {kind for folder in FOLDERS for data in files_of(folder).values() for kind in candidates(data)}
    for types, reader in READERS:
        for kind in types:
            assert kind in made or kind in NOT_MADE, f"{reader.__module__} reads {kind}, and no folder has such a file"
    assert not made & NOT_MADE.keys(), "made after all"
