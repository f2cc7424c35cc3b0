"""``docs/events.md`` names every event with its level and its fields, and none that does not exist.

What ``MailLog`` writes itself is written here once with everything there can be in it; for the rest (``notice``,
``started``, ``stopped``) the calls in the code are read.
"""

from __future__ import annotations

import ast
import csv
import inspect
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from gateway.closed_sets import Action, AuthResult, Effect, Kind
from gateway.events import MailLog
from gateway.message import Authentication, Change, Checked, Client, Excepted, Finding, Outcome, Reply, Signed
from gateway.policy.entries import Subject, make
from tests.e2e.tools import DEPLOY, ROOT
from tests.unit.test_events import outcome

HEADING = re.compile(r"^## `([a-z-]+)` \((\w+)\)$", re.MULTILINE)
ROW = re.compile(r"^\| `([\w.\[\]]+)` \| ([a-z ]+) \| (?:`([\w.@]+)`|–) \|", re.MULTILINE)
TOLD_BY_CALLERS = {"notice", "started", "stopped"}
STEPS = ("receive", "scan", "authenticate", "act", "seal", "keep", "deliver", "total")

Fields = dict[str, str]
"""Field → type; "" where the code alone does not tell it."""


def fullest() -> Outcome:
    usual = outcome()
    finding = Finding.of(
        Kind.VBA_AUTOEXEC,
        "2/a.docm",
        "It runs",
        reference="T1",
        excerpt="x",
        fingerprint="00",
        indicators=("http://a",),
    )
    checked = Checked(AuthResult.FAIL, "example.org", "no")
    found = Authentication((Signed(AuthResult.FAIL, "example.org", "s1", "", "", "no"),), checked, 1, checked, "reject")
    change = Change("2", Action.STRIP, "a.docm", "a.docx", ("a macro",), "it is locked")
    excepted = Excepted("00", Effect.ALLOW, "nobody vouches for it")
    return replace(
        usual,
        transaction=replace(usual.transaction, queue_id="4ABC"),
        report=replace(usual.report, findings=(finding,), authentication=found),
        decision=replace(usual.decision, changes=(change,), shadow=("one",), exceptions=(excepted,)),
        seconds=dict.fromkeys(STEPS, 0.1),
    )


def written() -> list[dict[str, object]]:
    """Every event ``MailLog`` writes by itself."""
    stream = io.StringIO()
    log, whole, reply = MailLog(stream), fullest(), Reply.of("250 ok")
    now = datetime(2026, 11, 22, tzinfo=UTC)
    entry = make(Effect.ALLOW, Subject.SENDER, "a@b.test", id="0", why="w", who="w", now=now, recipients=["c.test"])
    log.message(whole)
    log.keep_failed(whole.transaction, "no room")
    log.session_refused(Client(), "too many")
    log.client_gone(whole.transaction, reply)
    log.worker_died("crash", "9")
    log.poison("00")
    log.hop_failed("127.0.0.1:25", "refused")
    log.exception_added(entry)
    log.exception_removed(entry)
    log.exceptions_unusable("it is no such file")
    log.release_request("asked", "0" * 16, "ann (web)", "expected")
    log.signed_in("ann (oidc 1)", "https://login.test#1", "viewer", "192.0.2.1")
    log.sign_in_refused("https://login.test", "192.0.2.1", "no role")
    log.provider_failed("https://login.test", "away")
    log.receiver_failed("syslog", "away")
    log.receiver_back("syslog", 1)
    log.reloaded(ok=True)
    log.reloaded(ok=False, why="no")
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def kind_of(value: object) -> str:
    if isinstance(value, list):
        return f"array of {kind_of(value[0])}"
    names = {bool: "boolean", int: "integer", float: "number", str: "string", dict: "object"}
    return names[type(value)]


def flat(event: dict[str, object], prefix: str = "") -> Fields:
    found: Fields = {}
    for name, value in event.items():
        found[prefix + name] = kind_of(value)
        if isinstance(value, dict):
            found |= flat(value, f"{prefix}{name}.")
        if isinstance(value, list) and isinstance(value[0], dict):
            found |= flat(value[0], f"{prefix}{name}[].")
    return found


def calls() -> Iterator[tuple[str, str, Fields]]:
    """Event, level and fields of every call that tells an event of its own."""
    levels = {"notice": "warning", "started": "info", "stopped": "info"}
    for path in sorted((ROOT / "gateway").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            name = node.func.attr
            if name not in TOLD_BY_CALLERS or "events" not in ast.unparse(node.func.value):
                continue
            event = ast.literal_eval(node.args[0]) if name == "notice" else name
            assert all(word.arg for word in node.keywords), f"{path}:{node.lineno}: fields have to be named"
            yield event, levels[name], {str(word.arg): "" for word in node.keywords}


def declared() -> dict[tuple[str, str], Fields]:
    found: dict[tuple[str, str], Fields] = {}
    for event in written():
        name = (str(event["event"]), str(event["level"]))
        found[name] = flat({key: value for key, value in event.items() if key not in ("event", "level", "timestamp")})
    for name, level, fields in calls():
        found[name, level] = found.get((name, level), {}) | fields
    return found


def sections() -> dict[str, str]:
    text = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
    parts = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    return {part.partition("\n")[0]: part for part in parts}


def documented() -> dict[tuple[str, str], Fields]:
    told = sections()
    shared = rows(told["A transaction"])
    found = {}
    for title, text in told.items():
        if heading := HEADING.fullmatch(f"## {title}"):
            common = shared if "[a transaction](#a-transaction)" in text else {}
            found[heading[1], heading[2]] = common | rows(text)
    return found


def rows(text: str) -> Fields:
    return {name: kind for name, kind, _ in ROW.findall(text)}


def test_every_event_is_documented_and_none_that_is_not_there() -> None:
    assert sorted(documented()) == sorted(declared())


def test_every_field_is_documented_with_its_type_and_none_that_is_not_there() -> None:
    told = documented()
    for event, fields in declared().items():
        assert set(told[event]) == set(fields), event
        known = {name: kind for name, kind in fields.items() if kind}
        assert {name: told[event][name] for name in known} == known, event


def test_nothing_the_log_can_tell_is_left_out_here() -> None:
    """A new method of ``MailLog`` needs its line in ``written``."""
    methods = {name for name, _ in inspect.getmembers(MailLog, inspect.isfunction) if not name.startswith("_")}
    source = inspect.getsource(written)
    assert {name for name in methods if f"log.{name}(" not in source} == TOLD_BY_CALLERS


def test_every_event_has_what_the_page_says_every_event_has() -> None:
    common = rows(sections()["Every event"])
    for event in written():
        assert {name: kind_of(event[name]) for name in common} == common


def test_the_ecs_names_of_the_page_are_those_for_programs() -> None:
    with (DEPLOY / "siem" / "ecs.csv").open(encoding="utf-8", newline="") as file:
        table = {row["field"]: row["ecs"] for row in csv.DictReader(file)}
    page: dict[str, set[str]] = {}
    for name, _, ecs in ROW.findall((ROOT / "docs" / "events.md").read_text(encoding="utf-8")):
        page.setdefault(name, set()).add(ecs)
    assert {name: ecs for name, ecs in page.items() if ecs != {""}} == {name: {ecs} for name, ecs in table.items()}
