"""From reports to indicators: which, how often, and what is never one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.closed_sets import FileType, Kind, Verdict
from gateway.config import rules_directory
from gateway.iocs import Indicator, IocKind
from gateway.iocs.gather import MAX_HELD, Gathering
from gateway.iocs.never import Never
from gateway.message import Finding, Part, Report

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
TABLE = Never.parse((rules_directory() / "iocs.toml").read_text(encoding="utf-8"))
HASH = "ab" * 32


def report(*indicators: str, verdict: Verdict = Verdict.AUTOEXEC, detail: str = "Runs", sha256: str = HASH) -> Report:
    where = "2/a.zip/=cmd.docm"
    finding = Finding.of(Kind.VBA_AUTOEXEC, where, detail, indicators=indicators, verdict=verdict)
    text = Part("1", FileType.TEXT, 10, "00" * 32, Verdict.CLEAN)
    return Report(verdict, (finding,), (text, Part(where, FileType.DOCM, 10, sha256, verdict)))


def gathered(*indicators: str, own: tuple[str, ...] = (), detail: str = "Runs") -> dict[IocKind, list[str]]:
    gathering = Gathering(TABLE, own)
    gathering.add("00", NOON, report(*indicators, detail=detail))
    found: dict[IocKind, list[str]] = {}
    for one in gathering.indicators():
        found.setdefault(one.kind, []).append(one.value)
    return found


def test_one_message() -> None:
    gathering = Gathering(TABLE)
    gathering.add("00aa", NOON, report("http://evil.example.com/a.exe"))
    facts = {"verdict": Verdict.AUTOEXEC, "first_seen": NOON, "last_seen": NOON, "messages": 1, "held": ("00aa",)}
    assert gathering.indicators() == [
        Indicator(IocKind.DOMAIN, "evil.example.com", **facts),  # type: ignore[arg-type]
        Indicator(IocKind.SHA256, HASH, names=("=cmd.docm",), **facts),  # type: ignore[arg-type]
        Indicator(IocKind.URL, "http://evil.example.com/a.exe", **facts),  # type: ignore[arg-type]
    ]
    assert gathering.left_out == {}


def test_a_campaign_is_counted_and_what_is_kept_of_it_is_bounded() -> None:
    gathering = Gathering(TABLE)
    for number in range(30):
        gathering.add(f"{number:04}", NOON + timedelta(hours=number), report("http://evil.example.com/"))
    (one,) = (found for found in gathering.indicators() if found.kind is IocKind.URL)
    assert (one.messages, one.first_seen, one.last_seen) == (30, NOON, NOON + timedelta(hours=29))
    assert one.held == tuple(f"{number:04}" for number in range(29, 29 - MAX_HELD, -1))


def test_what_a_document_fetches_stands_in_the_sentence() -> None:
    found = gathered(detail="Fetches a remote template when it is opened: https://evil.example.com/t.dotm")
    assert found[IocKind.URL] == ["https://evil.example.com/t.dotm"]


def test_verdicts_nobody_asked_for_are_passed_over() -> None:
    gathering = Gathering(TABLE, verdicts=[Verdict.AUTOEXEC])
    gathering.add("00", NOON, report("http://evil.example.com/", verdict=Verdict.MACRO))
    assert gathering.indicators() == []


@pytest.mark.parametrize(
    "url",
    [
        "http://schemas.openxmlformats.org/package/2006",
        "http://schemas.microsoft.com/office/word",
        "http://www.w3.org/2001/XMLSchema",
        "http://purl.org/dc/elements/1.1/",
    ],
)
def test_names_of_schemas_are_no_indicators(url: str) -> None:
    assert set(gathered(url)) == {IocKind.SHA256}


@pytest.mark.parametrize(
    "host", ["docs.google.com", "raw.githubusercontent.com", "onedrive.live.com", "cdn.discordapp.com"]
)
def test_where_everybody_is_only_whole_addresses_are_told(host: str) -> None:
    found = gathered(f"https://{host}/evil.bin")
    assert found[IocKind.URL] == [f"https://{host}/evil.bin"]
    assert IocKind.DOMAIN not in found


def test_our_own_domains_are_never_told_and_the_recipients_are_ours() -> None:
    gathering = Gathering(TABLE, ["Ours.Example"])
    for name in ("www.ours.example.com", "intranet.firm.example.net", "notours.example.com"):
        gathering.add("00", NOON, report(f"http://{name}/x"), ["a@firm.example.net"])
    gathering.add("01", NOON, report("http://www.ours.example.com/"), ["b@Ours.Example.com"])
    values = {one.value for one in gathering.indicators() if one.kind is not IocKind.SHA256}
    assert values == {"notours.example.com", "http://notours.example.com/x"}
    assert gathering.left_out == {"our own": 2}


def test_a_public_suffix_is_no_domain_and_is_counted() -> None:
    gathering = Gathering(TABLE)
    gathering.add("00", NOON, report("http://github.io/", "http://fileserver/x", "http://127.0.0.1/", "http://co.uk/"))
    assert [one.kind for one in gathering.indicators()] == [IocKind.SHA256]
    assert gathering.left_out == {
        "a public suffix": 2,
        "no name for DNS": 1,
        "no address of the public Internet": 1,
    }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x", "not TOML"),
        ("[[never]]\nnames = []\nwhy = 'long enough'\nurls = 'told'", "never.0.names"),
        ("[[never]]\nnames = ['A.com']\nwhy = 'long enough'\nurls = 'told'", "small letters"),
        ("[[never]]\nnames = ['com']\nwhy = 'long enough'\nurls = 'told'", "small letters"),
        ("[[never]]\nnames = ['a.com']\nwhy = 'long enough'\nurls = 'maybe'", "never.0.urls"),
    ],
)
def test_a_table_that_is_none_is_told(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Never.parse(text)
