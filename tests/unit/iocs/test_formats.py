"""Each format, read back by the program or library it is for, whatever attackers wrote."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import stix2
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.closed_sets import Verdict
from gateway.iocs import FORMATS, Indicator, IocKind, export
from gateway.iocs.as_stix import CREATED
from gateway.iocs.names import split, urls
from gateway.spreadsheet import cell
from tests.e2e.tools import find, need

NOON = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)
LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)
EVIL = "=cmd|'/c calc'!A1 \"'\\],}<script>\u202e.docm"


def one(kind: IocKind, value: str, **changes: Any) -> Indicator:
    plain = Indicator(kind, value, Verdict.AUTOEXEC, NOON, NOON + timedelta(days=1), 3, (), ("00aa", "00bb"))
    return replace(plain, **changes)


SOME = [
    one(IocKind.DOMAIN, "evil.example.com"),
    one(IocKind.DOMAIN, "xn--mnchen-3ya.example.de"),
    one(IocKind.DOMAIN, "a_b.example.net"),
    one(IocKind.IP, "8.8.8.8"),
    one(IocKind.IP, "2001:4860:4860::8888"),
    one(IocKind.SHA256, "ab" * 32, names=(EVIL, "-2+3.xlsm", "@SUM(1).xls")),
    one(IocKind.URL, split("http://evil.example.com/it's]a'?x=%5C&y=]'")[0]),
    one(IocKind.URL, "https://evil.example.com/", first_seen=LONG_AGO, last_seen=LONG_AGO + timedelta(days=1)),
]
ADDRESSES = st.text(max_size=60).map(lambda text: next(iter(urls(f"http://evil.example.com/{text}")), ""))
NAMES = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=1)
ANY = st.lists(
    st.builds(
        one,
        st.just(IocKind.URL),
        ADDRESSES.map(lambda url: split(url)[0]).filter(bool),
        names=st.lists(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=1), max_size=3).map(
            tuple
        ),
    ),
    max_size=4,
    unique_by=lambda indicator: indicator.value,
)


def written(form: str, indicators: list[Indicator] | None = None, made: datetime = NOON) -> str:
    return "".join(export(form, SOME if indicators is None else indicators, made))


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_is_written_twice_and_nothing_is_no_mistake(form: str) -> None:
    assert written(form) == written(form)
    assert written(form, [])


def test_json() -> None:
    text = written("json")
    assert text.isascii()
    told = json.loads(text)
    assert [(fields["type"], fields["value"]) for fields in told] == [(i.kind.value, i.value) for i in SOME]
    assert told[5]["names"] == list(SOME[5].names)
    assert json.loads(written("json", [])) == []


def test_csv_is_no_formula_anywhere() -> None:
    rows = list(csv.reader(io.StringIO(written("csv"), newline="")))
    assert len(rows) == 1 + len(SOME)
    assert rows[6][6].startswith("'=cmd|")
    assert not [text for row in rows for text in row if text.startswith(("=", "+", "-", "@", "\t", "\r", "|"))]


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1", " =1", "|x", "＝1", "\r\n=1", "%0A"])
def test_a_cell_is_text(text: str) -> None:
    assert cell(text) == f"'{text}"
    assert cell(f"x{text}") == f"x{text}"


def test_misp() -> None:
    event = json.loads(written("misp"))["Event"]
    assert event["info"] == "Mail stopped by Macrogate, 2025-01-01 to 2026-11-25"
    assert (event["published"], event["distribution"]) == (False, "0")
    attributes = event["Attribute"]
    assert [attribute["value"] for attribute in attributes] == [indicator.value for indicator in SOME]
    assert [attribute["type"] for attribute in attributes] == ["domain"] * 3 + ["ip-dst"] * 2 + ["sha256"] + ["url"] * 2
    assert len({UUID(attribute["uuid"]) for attribute in attributes} | {UUID(event["uuid"])}) == len(SOME) + 1


def test_misp_ids_are_those_of_the_event_they_are_in() -> None:
    """MISP takes each id once: the same domain in next week's event has to be another attribute."""
    later = [replace(SOME[0], last_seen=NOON + timedelta(days=7))]
    both = [json.loads(written("misp", [part]))["Event"]["Attribute"][0]["uuid"] for part in (SOME[0], *later)]
    assert both[0] != both[1]


def test_stix_is_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    # jsonschema has it compile forty grammars for international addresses, which no schema of STIX asks for
    monkeypatch.setitem(sys.modules, "rfc3987_syntax", None)
    import stix2validator

    result = stix2validator.validate_string(written("stix"), stix2validator.ValidationOptions(version="2.1"))
    assert result.is_valid, [str(error) for error in result.errors]
    bundle = stix2.parse(written("stix"))
    objects = {found["id"]: found for found in bundle.objects}
    assert len(objects) == 1 + 2 * (len(SOME) - 1), "all but the name with an underscore"
    assert objects[bundle.objects[0]["id"]]["type"] == "identity"


def test_stix_ids_of_observables_are_those_of_the_standard() -> None:
    """The library of OASIS makes the same ones from the same properties."""
    found = {indicator["id"] for indicator in json.loads(written("stix"))["objects"]}
    assert stix2.DomainName(value="evil.example.com").id in found
    assert stix2.URL(value=SOME[6].value).id in found
    assert stix2.IPv4Address(value="8.8.8.8").id in found
    assert stix2.IPv6Address(value="2001:4860:4860::8888").id in found
    assert stix2.File(hashes={"SHA-256": "ab" * 32}).id in found


def test_a_stix_indicator_seen_again_is_a_newer_version_of_the_same() -> None:
    first, again = (
        json.loads(written("stix", [replace(SOME[0], last_seen=NOON + timedelta(days=days))]))["objects"][1]
        for days in (1, 2)
    )
    assert (first["id"], first["created"]) == (again["id"], again["created"])
    assert first["modified"] < again["modified"]
    assert first["created"].startswith(f"{CREATED:%Y-%m-%d}")


@given(ANY)
@settings(deadline=None, max_examples=25)
def test_whatever_the_address_each_format_can_be_read(indicators: list[Indicator]) -> None:
    values = [indicator.value for indicator in indicators]
    assert [fields["value"] for fields in json.loads(written("json", indicators))] == values
    rows = list(csv.reader(io.StringIO(written("csv", indicators), newline="")))
    assert [row[1] for row in rows[1:]] == values
    assert [attribute["value"] for attribute in json.loads(written("misp", indicators))["Event"]["Attribute"]] == values
    bundle = stix2.parse(written("stix", indicators))
    assert [found["value"] for found in bundle.objects if found["type"] == "url"] == values


def test_rpz_is_a_zone_bind_takes(tmp_path: Path) -> None:
    need("named-checkzone")
    zone = tmp_path / "rpz.zone"
    zone.write_text(written("rpz"))
    command = [find("named-checkzone") or "", "-D", "-i", "none", "rpz.example", str(zone)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    names = {line.split()[0] for line in done.stdout.splitlines() if " CNAME" in line or "\tCNAME" in line}
    domains = {indicator.value for indicator in SOME if indicator.kind is IocKind.DOMAIN}
    assert names == {f"{prefix}{name}.rpz.example." for name in domains for prefix in ("", "*.")}


def test_a_later_zone_has_a_later_serial() -> None:
    zones = [written("rpz", made=when) for when in (NOON, NOON + timedelta(days=1))]
    serials = [int(zone.split("root.localhost. ")[1].split()[0]) for zone in zones]
    assert serials[0] < serials[1] < 2**32
