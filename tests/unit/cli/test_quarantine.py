"""The commands of the admin on duty, through the same entry point as in a shell."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from gateway.cli.quarantine import quarantine
from gateway.cli.quarantine_text import page, row, size, table
from gateway.closed_sets import HeldState, Kind
from gateway.message import Client, Finding, Headline
from gateway.quarantine import HeldMessage, HeldRecipient
from gateway.spool import Spool
from tests.e2e.tools import need_root
from tests.stubs.next_hop import StubHop
from tests.unit.quarantine.made import BODY, DECISION, ID, OTHER, REPORT, keep, opened, transaction, urls

NASTY = "\x1b]0;owned\x07\x1b[31m\u202egpj.exe\u2028\tforged\nline"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A quarantine with two messages, and a configuration that names it."""

    async def fill() -> None:
        async with opened(tmp_path) as store:
            await keep(store)
            await keep(store, OTHER, body=b"other", of=transaction("third@example.net", sender="boss@example.net"))

    asyncio.run(fill())
    configure(tmp_path)
    return tmp_path


def configure(folder: Path, **smtp: str) -> Path:
    store, messages = urls(folder)
    path = folder / "macrogate.toml"
    keys = "".join(f'{name} = "{value}"\n' for name, value in smtp.items())
    path.write_text(f'[smtp]\n{keys}[quarantine]\nstore = "{store}"\nmessages = "{messages}"\n')
    return path


def run(folder: Path, *arguments: str) -> Result:
    name, *rest = arguments
    return CliRunner().invoke(quarantine, [name, "--config", str(folder / "macrogate.toml"), *rest])


async def run_aside(folder: Path, *arguments: str) -> Result:
    """In a thread, while a stub in this one's loop answers."""
    return await asyncio.to_thread(run, folder, *arguments)


def states(folder: Path) -> dict[str, HeldState]:
    lines = map(json.loads, run(folder, "list", "--state", "all", "--json").stdout.splitlines())
    return {line["id"]: HeldState(line["state"]) for line in lines}


# --- list and show ---


def test_list_is_one_line_each_with_tabs(folder: Path) -> None:
    result = run(folder, "list")
    assert result.exit_code == 0
    newest, oldest = (line.split("\t") for line in result.stdout.splitlines())
    assert newest[0] == OTHER
    assert oldest[0] == ID
    assert oldest[2:] == [
        "held",
        "autoexec",
        "sender@example.org",
        "one@example.com,two@example.com",
        "請求書 for you",
        "Macros that run by themselves",
    ]


def test_list_json_is_one_object_each(folder: Path) -> None:
    result = run(folder, "list", "--json", "--sender", "boss")
    (line,) = result.stdout.splitlines()
    fields = json.loads(line)
    assert (fields["id"], fields["state"], fields["stored"]) == (OTHER, "held", 5)
    assert fields["recipients"] == [{"address": "third@example.net", "delivered": False}]
    assert datetime.fromisoformat(fields["kept_at"]).tzinfo is not None


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ([], [OTHER]),
        (["--state", "all"], [OTHER, ID]),
        (["--state", "deleted"], [ID]),
        (["--state", "deleted", "--state", "held"], [OTHER, ID]),
        (["--state", "all", "--recipient", "TWO@"], [ID]),
        (["--state", "all", "--subject", "請求"], [OTHER, ID]),
        (["--state", "all", "--limit", "1"], [OTHER]),
        (["--state", "all", "--verdict", "macro"], []),
        (["--since", "1h"], [OTHER]),
        (["--since", "2999-01-01"], []),
        (["--until", "2020-01-01T10:30"], []),
    ],
)
def test_list_filters(folder: Path, arguments: list[str], found: list[str]) -> None:
    assert run(folder, "delete", ID, "--why", "spam").exit_code == 0
    result = run(folder, "list", *arguments)
    assert [line.split("\t")[0] for line in result.stdout.splitlines()] == found


@pytest.mark.parametrize("arguments", [["--since", "soon"], ["--state", "lost"], ["--limit", "0"], ["--verdict", "x"]])
def test_a_filter_that_makes_no_sense_is_a_usage_error(folder: Path, arguments: list[str]) -> None:
    assert run(folder, "list", *arguments).exit_code == 2


def test_show_tells_why(folder: Path) -> None:
    result = run(folder, "show", ID[:4])
    assert result.exit_code == 0
    for words in (
        f"{ID}   held since",
        "請求書 for you",
        "<sender@example.org>",
        "<two@example.com>",
        "192.0.2.7 mail.example.org (HELO helo.example.org)",
        "quarantine by rule autoexec: Macros that run by themselves",
        "  2/invoice.docm   autoexec",
        "vba-autoexec    AutoOpen runs [T1]",
        "hxxp://example[.]com/x",
        "0f" * 32,
        "      | Sub AutoOpen()",
        "      |     x",
        f"docm, 1 KiB, autoexec, sha256 {'ab' * 32}",
        "kept by macrogate",
    ):
        assert words in result.stdout


def test_show_json_has_everything(folder: Path) -> None:
    fields = json.loads(run(folder, "show", ID, "--json").stdout)
    assert fields["record"]["transaction"]["envelope"]["sender"] == "sender@example.org"
    assert fields["record"]["report"]["findings"][0]["excerpt"].startswith("Sub AutoOpen")
    assert [entry["what"] for entry in fields["history"]] == ["kept"]
    assert fields["history_intact"] is True


def test_show_raw_is_the_message_and_is_noted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "ann")
    assert run(folder, "show", ID, "--raw", "--why", "ticket 7").stdout_bytes == BODY
    last = json.loads(run(folder, "show", ID, "--json").stdout)["history"][-1]
    assert (last["what"], last["who"], last["why"]) == ("downloaded", "ann", "ticket 7")


@pytest.mark.parametrize("words", [("show", "--raw"), ("show", "--raw", "--why", " "), ("show", "--why", "x")])
def test_who_takes_a_message_says_why(folder: Path, words: tuple[str, ...]) -> None:
    result = run(folder, *words, ID)
    assert (result.exit_code, "--raw and --why go together" in result.stderr) == (2, True)
    assert run(folder, "export", ID, "--output", str(folder / "sample.eml")).exit_code == 2
    assert len(json.loads(run(folder, "show", ID, "--json").stdout)["history"]) == 1


def test_a_changed_history_says_so(folder: Path) -> None:
    run(folder, "delete", ID, "--why", "spam")
    path = folder / "messages/3f" / ID / "audit.jsonl"
    path.write_bytes(path.read_bytes().replace(b"spam", b"ham!"))
    assert "do not trust it" in run(folder, "show", ID).stdout


async def test_nothing_a_stranger_wrote_reaches_the_terminal_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    finding = replace(Finding.of(Kind.VBA_MACRO, NASTY, NASTY), where=NASTY, detail=NASTY, excerpt=NASTY)
    report = replace(REPORT, headline=Headline(NASTY, NASTY, NASTY, NASTY), findings=(finding,))
    of = replace(transaction(f"a{NASTY}@x", sender=NASTY), client=Client(NASTY[:60], 1, NASTY, NASTY))
    async with opened(tmp_path) as store:
        await store.keep(ID, of, Spool.of(BODY), report, replace(DECISION, why=NASTY, rule=NASTY))
        page(await store.get(ID))
        messages = await store.find()
    for message in messages:
        click.echo(row(message))
    table(messages)
    table([replace(messages[0], subject="[bold red]not markup[/]", recipients=())])
    lines = capsys.readouterr().out.splitlines()
    assert all(line.replace("\t", "").isprintable() for line in lines)
    assert not any(line.startswith(("forged", "line")) for line in lines)


def test_the_table_shows_brackets_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    message = HeldMessage(
        id=ID, state=HeldState.HELD, kept_at=datetime(2026, 11, 22, tzinfo=UTC), transaction_id="T", client="",
        sender="", from_header="", recipients=(HeldRecipient("a", False), HeldRecipient("b", False)),
        subject="[red]x", verdict="macro", action="quarantine", rule="r", why="", size=1, stored=1, sha256="",
        duplicate_of=None, recovered=False, note="",
    )  # fmt: skip
    table([message])
    table([])
    out = capsys.readouterr().out
    assert "[red]x" in out
    assert "<>" in out
    assert "a +1" in out
    assert "Nothing is held that fits." in out


@pytest.mark.parametrize(("octets", "words"), [(0, "0 B"), (1023, "1023 B"), (51200, "50 KiB"), (3 << 20, "3.0 MiB")])
def test_sizes_are_for_people(octets: int, words: str) -> None:
    assert size(octets) == words


# --- release ---


async def test_release_sends_the_very_bytes_and_says_what_the_next_hop_said(folder: Path) -> None:
    async with StubHop() as hop:
        configure(folder, next_hop="127.0.0.1:1", release_next_hop=hop.address)
        result = await run_aside(folder, "release", ID[:5], "--why", "expected")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"{ID} released   one@example.com: 250")
    (message,) = hop.messages
    assert (message.data, message.sender) == (BODY, "sender@example.org")
    assert message.recipients == ["one@example.com", "two@example.com"]
    assert (await asyncio.to_thread(states, folder))[ID] is HeldState.RELEASED


async def test_release_to_one_recipient_then_to_the_rest(folder: Path) -> None:
    async with StubHop() as hop:
        first = await run_aside(
            folder, "release", ID, "--why", "x", "-r", "two@example.com", "--next-hop", hop.address, "--json"
        )
        again = await run_aside(folder, "release", ID, "--why", "x", "-r", "two@example.com", "--next-hop", hop.address)
        rest = await run_aside(folder, "release", ID, "--why", "x", "--next-hop", hop.address)
    assert [result.exit_code for result in (first, again, rest)] == [0, 1, 0]
    assert json.loads(first.stdout) == {
        "id": ID, "state": "held", "replies": [["two@example.com", json.loads(first.stdout)["replies"][0][1]]]
    }  # fmt: skip
    assert "already got" in again.stderr
    assert [message.recipients for message in hop.messages] == [["two@example.com"], ["one@example.com"]]


async def test_release_of_a_copy(folder: Path) -> None:
    async with StubHop() as hop:
        result = await run_aside(
            folder, "release", ID, "--why", "look", "--to", "soc@example.com", "--next-hop", hop.address
        )
    assert result.exit_code == 0
    assert hop.messages[0].recipients == ["soc@example.com"]
    assert (await asyncio.to_thread(states, folder))[ID] is HeldState.HELD


async def test_a_refused_release_is_told_in_the_next_hops_words(folder: Path) -> None:
    async with StubHop({".": "554 5.7.1 Not here either"}) as hop:
        result = await run_aside(folder, "release", ID, OTHER, "--why", "x", "--next-hop", hop.address, "--json")
    assert result.exit_code == 3
    assert "554 5.7.1 Not here either" in result.stderr
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == [ID, OTHER]
    assert set((await asyncio.to_thread(states, folder)).values()) == {HeldState.HELD}


def test_a_next_hop_that_is_down(folder: Path) -> None:
    result = run(folder, "release", ID, "--why", "x", "--next-hop", "127.0.0.1:1")
    assert result.exit_code == 3
    assert "stays held" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        [ID],
        [ID, "--why", "x", "--next-hop", "nowhere"],
        [ID, "--why", "x", "--to", "a@b", "--recipient", "one@example.com"],
        ["--why", "x"],
    ],
)
def test_a_release_without_reason_or_sense_is_a_usage_error(folder: Path, arguments: list[str]) -> None:
    assert run(folder, "release", *arguments).exit_code == 2


# --- the other deeds ---


def test_delete_goes_on_after_a_failure(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "ann")
    result = run(folder, "delete", "ffff", ID, "--why", "spam")
    assert result.exit_code == 1
    assert result.stdout == f"{ID} deleted\n"
    assert "There is no held message" in result.stderr
    assert states(folder)[ID] is HeldState.DELETED
    assert "deleted by ann   spam" in run(folder, "show", ID).stdout


def test_export_writes_a_file_for_its_owner_alone(folder: Path) -> None:
    output = folder / "sample.eml"
    result = run(folder, "export", ID, "--why", "for the sandbox", "--output", str(output))
    assert result.exit_code == 0
    assert "do not open it" in result.stdout
    assert output.read_bytes() == BODY
    assert output.stat().st_mode & 0o777 == 0o600
    assert run(folder, "export", OTHER, "--why", "x", "--output", str(output)).exit_code == 2
    assert output.read_bytes() == BODY


def test_a_failed_export_leaves_no_file(folder: Path) -> None:
    (folder / "messages/3f" / ID / "message.eml").unlink()
    result = run(folder, "export", ID, "--why", "x", "--output", str(folder / "sample.eml"))
    assert result.exit_code == 3
    assert not (folder / "sample.eml").exists()


def test_purge(folder: Path) -> None:
    assert run(folder, "purge").stdout == "0 messages purged.\n"
    assert json.loads(run(folder, "purge", "--older-than", "0s", "--json").stdout) == {"purged": 2}
    assert set(states(folder).values()) == {HeldState.EXPIRED}
    assert run(folder, "purge", "--older-than", "often").exit_code == 2


def test_rebuild(folder: Path) -> None:
    (folder / "quarantine.db").write_bytes(b"garbage" * 1000)
    broken = run(folder, "list")
    assert broken.exit_code == 3
    assert "macrogate quarantine rebuild" in broken.stderr
    result = run(folder, "rebuild")
    assert (result.exit_code, result.stdout) == (0, "2 messages are in the new index.\n")
    assert set(states(folder)) == {ID, OTHER}


def test_rebuild_tells_what_it_could_not_read_and_not_without_end(folder: Path) -> None:
    for number in range(25):
        box = folder / "messages/00" / f"{number:016x}"
        box.mkdir()
        (box / "record.json").write_bytes(b"{}")
    result = run(folder, "rebuild")
    assert result.exit_code == 3
    assert result.stderr.count("Left as it is:") == 20
    assert "and 5 more" in result.stderr
    assert json.loads(run(folder, "rebuild", "--json").stdout)["indexed"] == 2


def test_a_configuration_that_is_wrong(folder: Path) -> None:
    (folder / "macrogate.toml").write_text("[quarantine]\nplace = 1\n")
    result = run(folder, "list")
    assert result.exit_code == 2
    assert "place" in result.stderr


@pytest.mark.parametrize("url", ["postgresql://db/macrogate", "quarantine.db"])
def test_a_store_that_is_not_one(folder: Path, url: str) -> None:
    text = (folder / "macrogate.toml").read_text().replace(urls(folder)[0], url)
    (folder / "macrogate.toml").write_text(text)
    result = run(folder, "list")
    assert result.exit_code in (2, 3)
    assert "sqlite:///" in result.stderr


def test_no_quarantine_yet(tmp_path: Path) -> None:
    configure(tmp_path)
    result = run(tmp_path, "list")
    assert result.exit_code == 3
    assert "the daemon makes it" in result.stderr
    assert not (tmp_path / "messages").exists()


def test_what_root_does_stays_readable_for_the_daemons_user(folder: Path) -> None:
    need_root("act for another user")
    for path in (*folder.rglob("*"), folder):
        os.chown(path, 65534, 65534)
    assert run(folder, "delete", ID, "--why", "spam").exit_code == 0
    assert run(folder, "rebuild").exit_code == 0
    owners = {path.stat().st_uid for path in folder.rglob("*")}
    assert owners == {65534}


def test_a_list_of_a_busy_day_beside_a_daemon_that_writes(folder: Path) -> None:
    writer = sqlite3.connect(folder / "quarantine.db", isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    result = run(folder, "list")
    writer.close()
    assert len(result.stdout.splitlines()) == 2


def test_from_a_shell(folder: Path) -> None:
    command = [sys.executable, "-m", "gateway", "quarantine", "list", "--config", str(folder / "macrogate.toml")]
    done = subprocess.run(command, capture_output=True, check=True, cwd=Path(__file__).parents[3])
    assert done.stdout.decode().splitlines()[1].startswith(ID)
    recent = datetime.now(UTC) - timedelta(minutes=5)
    assert datetime.fromisoformat(done.stdout.decode().split("\t")[1]) > recent
