from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.message import Envelope, Recipient
from gateway.quarantine.sidecar import BadRecord, Record, decode, encode
from tests.unit.quarantine.made import DECISION, ID, REPORT, transaction

RECORD = Record(ID, datetime(2026, 11, 22, 10, 31, tzinfo=UTC), transaction(), REPORT, DECISION, 52, "ef" * 32)

addresses = st.binary(max_size=40).map(lambda data: data.decode("utf-8", "surrogateescape"))


def test_a_record_comes_back_as_it_was() -> None:
    assert decode(encode(RECORD)) == RECORD


@given(addresses, st.lists(addresses, max_size=4), addresses)
def test_every_address_comes_back_byte_for_byte(sender: str, recipients: list[str], helo: str) -> None:
    envelope = Envelope(sender, tuple(Recipient(address) for address in recipients))
    record = replace(RECORD, transaction=replace(RECORD.transaction, envelope=envelope))
    assert decode(encode(record)).transaction.envelope == envelope


def test_the_file_is_ascii_and_its_verdicts_are_words() -> None:
    data = encode(RECORD)
    assert data.isascii()
    assert data.endswith(b"}\n")
    assert json.loads(data)["report"]["verdict"] == "autoexec"


def test_a_field_added_by_a_later_version_of_the_same_format_does_no_harm() -> None:
    fields = json.loads(encode(RECORD)) | {"colour": "blue"}
    assert decode(json.dumps(fields).encode()) == RECORD


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (["format"], 2, "format 2"),
        (["held_id"], 7, "7 where a text belongs"),
        (["size"], -1, "-1 where a count belongs"),
        (["size"], True, "True where a count belongs"),
        (["kept_at"], "2026-11-22T10:31:00", "without its zone"),
        (["kept_at"], "yesterday", "cannot be read"),
        (["report", "verdict"], "fine", "cannot be read"),
        (["report", "findings"], 3, "cannot be read"),
        (["report", "findings", 0, "kind"], "other", "cannot be read"),
        (["decision", "action"], "destroy", "cannot be read"),
        (["transaction", "envelope"], None, "cannot be read"),
        (["transaction", "client", "port"], "x", "where a count belongs"),
    ],
)
def test_what_is_not_a_record_is_refused_with_its_reason(path: list[Any], value: object, says: str) -> None:
    fields = json.loads(encode(RECORD))
    place = fields
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(BadRecord, match=says):
        decode(json.dumps(fields).encode())


@given(st.binary(max_size=200))
def test_any_bytes_are_a_record_or_refused(data: bytes) -> None:
    with pytest.raises(BadRecord):
        decode(data)


@given(st.integers(0, len(encode(RECORD)) - 2))
def test_a_record_cut_short_is_refused(end: int) -> None:
    with pytest.raises(BadRecord):
        decode(encode(RECORD)[:end])


def test_a_tail_is_refused() -> None:
    with pytest.raises(BadRecord):
        decode(encode(RECORD) + b"{}")


def test_nesting_without_end_is_refused() -> None:
    with pytest.raises(BadRecord):
        decode(b"[" * 200_000)
