"""Makes ``docs/coverage.md``, each row of the catalogues of evasions, faults and attacks and what became of it, and
``docs/emotet.md``, the ways Emotet came.

``python -m tests.coverage`` writes both; ``tests/corpus/test_coverage.py`` tells when one is out of date or a row is
missing. An evasion is shown by a corpus folder whose name begins with its row, or has an entry in
``corpus/not_covered.toml``; faults and attacks have their tables in ``tests/rows``.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from tests import rows

ROOT = Path(__file__).resolve().parents[1]
CORPUS = ROOT / "tests" / "corpus"
PAGE = ROOT / "docs" / "coverage.md"
MUSEUM = ROOT / "docs" / "emotet.md"
ROWS = (*(f"m{number:02}" for number in range(1, 109)), *(f"d{number:02}" for number in range(1, 81)))

_IDS = re.compile(r"(?:[md]\d+-(?:to-)?)+")
_ID = re.compile(r"([md])(\d+)-(to-)?")
_VERDICTS = ("clean", "macro", "suspicious", "unscannable", "autoexec")
_HEAD = """# Coverage

<!-- made by: python -m tests.coverage -->

What is known to go wrong with a mail filter, row by row, and what shows that it does not: ways to hide a document, then
[what breaks](#what-breaks), [attacks on the protocol](#attacks-on-the-protocol), and
[the safety of the gateway itself](#the-safety-of-the-gateway-itself).

## Ways to hide

Every way we know to hide active content from a mail filter, and what Macrogate makes of it: `m` rows hide a document in
the form of the mail, `d` rows in that of the document or of an archive. Each line is a folder of `tests/corpus` with a
recipe that makes the files, clean twins included, and is run by `make test`. "Armed" files carry an inert macro or its
like; the column says which verdicts they get. "Clean" counts the twins that pass untouched, "held" the harmless files
that are held because programs disagree about what they hold.

| row | what is tried | armed files | clean | held | shown by |
|---|---|---|---|---|---|
"""


_MUSEUM_HEAD = """# The Emotet museum

<!-- made by: python -m tests.coverage -->

How Emotet reached its victims, from 2014 until it fell silent in 2023, and how its heirs went on: each wave made anew
with inert macros, sent through the scan by `make test`, and stopped by the default policy. The container changed about
twenty times; that a document from a stranger runs code by itself never did. Waves that were nothing but a link in the
text are left out: there is no attachment to look into.

"""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the page, for one or several rows."""

    ids: tuple[str, ...]
    text: str


def lines() -> list[Line]:
    """In the order of the rows."""
    found = [_of_folder(folder) for folder in sorted(CORPUS.iterdir()) if _IDS.match(folder.name)]
    with (CORPUS / "not_covered.toml").open("rb") as file:
        found += [_of_entry(entry) for entry in tomllib.load(file).get("row", [])]
    return sorted(found, key=lambda line: (line.ids[0][0] != "m", int(line.ids[0][1:])))


def missing() -> list[str]:
    """Rows nothing is said about."""
    told = {row for line in lines() for row in line.ids}
    return [row for row in ROWS if row not in told]


def page() -> str:
    return _HEAD + "".join(f"{line.text}\n" for line in lines()) + rows.page()


def museum() -> str:
    """A section for each wave: its date and form, the story, and what is found."""
    rooms = []
    for folder in sorted(CORPUS.glob("emotet-*")):
        title, _, story = (folder / "readme.md").read_text("utf-8").partition("\n")
        expected = json.loads((folder / "expected.json").read_text("utf-8"))
        found = dict.fromkeys(f for name, r in expected.items() if "armed" in name for f in r["findings"])
        lines = "".join(f"    {finding}\n" for finding in found)
        rooms.append(f"#{title}\n\n{story.strip()}\n\n{lines}\n`tests/corpus/{folder.name}`\n")
    return _MUSEUM_HEAD + "\n".join(rooms)


def rows_of(name: str) -> tuple[str, ...]:
    """The rows a folder is named after: ``m01-m02-x`` two of them, ``m70-to-m79-x`` ten."""
    found: list[str] = []
    upto = False
    for letter, number, to in _ID.findall(_IDS.match(name)[0]):
        first = int(found[-1][1:]) + 1 if upto else int(number)
        found += [f"{letter}{each:02}" for each in range(first, int(number) + 1)]
        upto = bool(to)
    return tuple(found)


def _of_folder(folder: Path) -> Line:
    ids = rows_of(folder.name)
    title = (folder / "readme.md").read_text("utf-8").partition("\n")[0].removeprefix("# ")
    expected = json.loads((folder / "expected.json").read_text("utf-8"))
    verdicts = {purpose: [r["verdict"] for name, r in expected.items() if purpose in name] for purpose in _PURPOSES}
    armed = ", ".join(f"{verdicts['armed'].count(v)} {v}" for v in reversed(_VERDICTS) if v in verdicts["armed"]) or "-"
    counts = f"{armed} | {len(verdicts['clean']) + len(verdicts['noted'])} | {len(verdicts['held'])}"
    return Line(ids, f"| {', '.join(ids)} | {title} | {counts} | `tests/corpus/{folder.name}` |")


def _of_entry(entry: dict[str, str]) -> Line:
    return Line((entry["id"],), f"| {entry['id']} | {entry['title']} | | | | {' '.join(entry['why'].split())} |")


_PURPOSES = ("armed", "clean", "held", "noted")

if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    MUSEUM.write_text(museum(), "utf-8")
    for complaint in [*(f"Nothing is said about {row}" for row in missing()), *rows.complaints()]:
        print(complaint)  # noqa: T201 - a command for a person
