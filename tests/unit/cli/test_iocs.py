"""``macrogate iocs``, run as a command beside a quarantine."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import io
import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.iocs import iocs
from gateway.closed_sets import Verdict
from gateway.iocs import FORMATS
from gateway.message import Report
from gateway.spool import Spool
from tests.unit.quarantine.made import BODY, DECISION, ID, OTHER, REPORT, Hop, opened, transaction, urls


def report(*indicators: str) -> Report:
    return replace(REPORT, findings=(replace(REPORT.findings[0], indicators=indicators),))


REPORTS = {
    ID: report("http://evil.example.org/a", "http://www.example.com/ours", "http://github.io/"),
    OTHER: report("http://evil.example.org/a", "http://worse.example.org/b"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    async def fill() -> None:
        async with opened(tmp_path) as store:
            for held_id, found in REPORTS.items():
                with contextlib.closing(Spool.of(BODY)) as content:
                    await store.keep(held_id, transaction(), content, found, DECISION)

    asyncio.run(fill())
    store, messages = urls(tmp_path)
    (tmp_path / "macrogate.toml").write_text(f'[quarantine]\nstore = "{store}"\nmessages = "{messages}"\n')
    return tmp_path


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(iocs, ["--config", str(folder / "macrogate.toml"), *arguments])


def values(result: Result) -> list[str]:
    assert result.exit_code == 0, result.stderr
    return [fields["value"] for fields in json.loads(result.stdout)]


def test_what_was_stopped_without_what_is_ours(folder: Path) -> None:
    result = run(folder)
    assert values(result) == [
        "evil.example.org",
        "worse.example.org",
        "ab" * 32,
        "http://evil.example.org/a",
        "http://worse.example.org/b",
    ]
    assert json.loads(result.stdout)[0]["messages"] == 2
    assert "5 indicators: 1 sha256, 2 url, 2 domain, 0 ip" in result.stderr
    assert "left out: 1 our own" in result.stderr
    assert "left out: 1 a public suffix" in result.stderr


def test_a_domain_can_be_excepted_with_all_below_it(folder: Path) -> None:
    assert values(run(folder, "--except", "Example.ORG.")) == ["ab" * 32]
    assert run(folder, "--except", "no domain").exit_code == 2


def test_what_was_released_is_no_indicator(folder: Path) -> None:
    async def release() -> None:
        async with opened(folder) as store:
            await store.release(OTHER, who="me", why="honest", deliver=Hop().deliver)
            await store.delete(ID, who="me", why="evil")

    asyncio.run(release())
    assert values(run(folder)) == ["evil.example.org", "ab" * 32, "http://evil.example.org/a"]


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        (("--since", "1h"), 5),
        (("--until", "1h"), 0),
        (("--since", "2026-01-01", "--until", "2026-01-02"), 0),
        (("--verdict", "suspicious"), 0),
        (("--verdict", "autoexec", "--verdict", "macro"), 5),
    ],
)
def test_times_and_verdicts(folder: Path, arguments: tuple[str, ...], count: int) -> None:
    assert len(values(run(folder, *arguments))) == count


def test_a_page_is_not_the_end(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.iocs.collect.BATCH", 1)
    assert len(values(run(folder))) == 5


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_is_replaced_whole_and_can_be_read(folder: Path, form: str) -> None:
    output = folder / "out"
    output.write_text("old")
    result = run(folder, "--format", form, "--output", str(output))
    assert (result.exit_code, result.stdout) == (0, "")
    assert "evil.example.org" in output.read_text(encoding="utf-8")
    assert stat.S_IMODE(output.stat().st_mode) == 0o644
    assert [path.name for path in folder.glob("tmp*")] == []


def test_csv_keeps_its_line_ends(folder: Path) -> None:
    output = folder / "out.csv"
    run(folder, "--format", "csv", "--output", str(output))
    data = output.read_bytes().decode()
    assert data.count("\r\n") == data.count("\n") == 6
    assert len(list(csv.reader(io.StringIO(data, newline="")))) == 6


def test_where_nothing_can_be_written_is_told(folder: Path) -> None:
    result = run(folder, "--output", str(folder / "none" / "out"))
    assert result.exit_code == 3
    assert "cannot be written" in result.stderr


def test_a_record_that_cannot_be_read_is_told_and_the_rest_is_written(folder: Path) -> None:
    (folder / "messages" / ID[:2] / ID / "record.json").write_text("{}")
    result = run(folder)
    assert result.exit_code == 3
    assert "worse.example.org" in result.stdout
    assert "not read: " in result.stderr


def test_a_table_that_cannot_be_read_stops_it(folder: Path) -> None:
    rules = folder / "rules"
    rules.mkdir()
    with (folder / "macrogate.toml").open("a") as file:
        file.write(f'[policy]\nrules = "{rules}"\n')
    result = run(folder)
    assert result.exit_code == 2
    assert "iocs.toml" in result.stderr


def test_clean_mail_is_not_asked_for(folder: Path) -> None:
    assert run(folder, "--verdict", Verdict.CLEAN.label).exit_code == 2
