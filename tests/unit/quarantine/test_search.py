"""Looking for messages: what is found, by which words, and that no text is ever a query."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.closed_sets import HeldState, Verdict
from gateway.quarantine import Filters, Quarantine
from gateway.quarantine.search import LONGEST, MOST_WORDS, folded
from gateway.spool import Spool
from tests.unit.quarantine.made import DECISION, REPORT, keep, opened, transaction

SUBJECTS = (
    "Invoice 4711 for Müller",
    "請求書 in Halle",
    'A "quoted" AND (odd) * subject',
    "ＩＮＶＯＩＣＥ wide",
    "a%b_c\\d",
)


def number(at: int) -> str:
    return f"{at:016x}"


async def fill(store: Quarantine) -> None:
    """One message for each subject; those of even numbers have a macro of their own, each third one the same file, and
    all of them the same picture."""
    for at, subject in enumerate(SUBJECTS):
        headline = replace(REPORT.headline, subject=subject, message_id=f"<m{at}@id.example>", sender=f"Name{at} <x@y>")
        finding = replace(REPORT.findings[0], fingerprint=f"{at % 2:064x}")
        file = replace(REPORT.parts[0], sha256=f"{at % 3:064x}")
        parts = (file, file, replace(file, sha256="fe" * 32, verdict=Verdict.CLEAN))
        report = replace(REPORT, headline=headline, findings=(finding, finding), parts=parts)
        of = transaction(f"to{at}@example.com", f"also{at}@example.net", sender=f"from{at}@outside.test")
        with contextlib.closing(Spool.of(b"x")) as content:
            await store.keep(number(at), of, content, report, DECISION)


async def found(store: Quarantine, **filters: object) -> list[int]:
    query = Filters(**filters)  # type: ignore[arg-type]
    messages = await store.find(query)
    assert await store.count(query) == len(messages)
    assert [one.place for one in messages] == sorted((one.place for one in messages), reverse=True)
    return sorted(int(one.id, 16) for one in messages)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"subject": "invoice"}, [0, 3]),
        ({"subject": "MÜLLER"}, [0]),
        ({"subject": "請求書"}, [1]),
        ({"subject": "請求"}, [1]),
        ({"subject": "請"}, [1]),
        ({"subject": '"quoted" and (odd) *'}, [2]),
        ({"subject": '"'}, [2]),
        ({"subject": "%b_c\\"}, [4]),
        ({"subject": "_"}, [4]),
        ({"subject": "%%%"}, []),
        ({"subject": "invoice OR wide"}, []),
        ({"sender": "from3@"}, [3]),
        ({"sender": "name3 <"}, [3]),
        ({"sender": "to3@"}, []),
        ({"recipient": "also2@example.NET"}, [2]),
        ({"recipient": "example", "sender": "from2"}, [2]),
        ({"text": "invoice from3"}, [3]),
        ({"text": "wide in"}, [3]),
        ({"text": number(2)}, [2]),
        ({"text": "<m4@id"}, [4]),
        ({"text": "subject : invoice"}, []),
        ({"text": "to1 also1 zz"}, []),
        ({"campaign": f"{1:064x}"}, [1, 3]),
        ({"campaign": f"{1:064x}", "text": "wide"}, [3]),
        ({"campaign": f"{1:064x}", "subject": "請"}, [1]),
        ({"campaign": f"{1:064x}", "verdict": Verdict.MACRO}, []),
        ({"campaign": "0"}, []),
        ({"file": f"{0:064x}"}, [0, 3]),
        ({"file": f"{0:064x}", "campaign": f"{1:064x}"}, [3]),
        ({"file": f"{0:064x}", "subject": "invoice"}, [0, 3]),
        ({"file": f"{1:064x}", "subject": "invoice"}, []),
        ({"file": f"{0:064x}", "campaign": f"{1:064x}", "text": "wi"}, [3]),
        ({"file": f"{2:064x}", "text": "q"}, [2]),
        ({"file": "fe" * 32}, []),
        ({"text": "invoice", "verdict": Verdict.AUTOEXEC, "states": frozenset({HeldState.HELD})}, [0, 3]),
        ({"text": "invoice", "states": frozenset({HeldState.RELEASED})}, []),
        ({"text": "in", "states": frozenset({HeldState.RELEASED})}, []),
        ({"text": "invoice", "until": datetime.now(UTC) - timedelta(hours=1)}, []),
        ({"text": "invoice", "since": datetime.now(UTC) - timedelta(hours=1)}, [0, 3]),
    ],
)
async def test_what_is_asked_for_is_found(tmp_path: Path, filters: dict[str, object], expected: list[int]) -> None:
    async with opened(tmp_path) as store:
        await fill(store)
        assert await found(store, **filters) == expected


async def test_a_page_of_a_search_goes_on_where_the_last_ended(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await fill(store)
        for search in ({"text": "from"}, {"text": "om"}, {}):
            whole = [one.place for one in await store.find(Filters(**search))]
            assert len(whole) == 5
            older = await store.find(Filters(**search, older_than=whole[1], limit=2))
            assert [one.place for one in older] == whole[2:4]
            newer = await store.find(Filters(**search, newer_than=whole[3], limit=2))
            assert [one.place for one in newer] == whole[1:3]
            assert await store.count(Filters(**search, limit=3)) == 3


async def test_two_messages_of_one_moment_have_two_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.quarantine.entering.place_of", lambda _: 1000)
    async with opened(tmp_path) as store:
        for at in range(4):
            await keep(store, number(at))
        assert [one.place for one in await store.find()] == [1003, 1002, 1001, 1000]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=LONGEST + 20))
@example("\x00")
@example("\ud800")
@example('" OR ""')
@example("a" * 5000)
@example("x y " * MOST_WORDS)
async def test_whatever_is_typed_is_a_text(store: Quarantine, typed: str) -> None:
    for name in ("text", "subject", "sender", "recipient"):
        messages = await store.find(Filters(**{name: typed}))
        if name == "subject" and len(folded(typed)) <= LONGEST:
            assert sorted(one.subject for one in messages) == sorted(s for s in SUBJECTS if folded(typed) in folded(s))


@pytest.fixture
async def store(tmp_path: Path):  # type: ignore[no-untyped-def]
    async with opened(tmp_path) as open_store:
        await fill(open_store)
        yield open_store
