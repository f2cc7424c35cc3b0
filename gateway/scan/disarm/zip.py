"""Zip files: every document inside is disarmed and put back, all else stays byte for byte.

Contract: ``disarm`` keeps the promise of ``parts``. A member that cannot be disarmed, as a script, or opened, as one
whose password nobody knows, is a reason not to disarm the whole. An encrypted member is encrypted again by the same
method and password.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from gateway.closed_sets import FileType
from gateway.scan import sniff
from gateway.scan.budget import Budget
from gateway.scan.containers import zip as zip_container
from gateway.scan.containers import zip_content
from gateway.scan.disarm import renaming, zip_rewrite
from gateway.scan.disarm.parts import CannotDisarm, Disarmed, NothingToDisarm, Work
from gateway.scan.disarm.zip_rewrite import Record
from gateway.scan.unpack import NOTES

TYPES = frozenset({FileType.ZIP})

_MEDIA_TYPE = "application/zip"


def disarm(content: bytes, name: str, work: Work) -> Disarmed:
    """The zip file with its documents disarmed."""
    archive = zip_rewrite.read(content, work.budget)
    changed: dict[int, Record] = {}
    removed: dict[str, None] = {}
    taken = {record.member.name.lower() for record in archive.records}
    for record, plain, password in _opened(archive.records, name, work):
        inner = work.inner(plain, record.member.name)
        if inner is None:
            continue
        new = renaming.free(record.member.name, inner.name, taken)
        raw_name = renaming.bytes_of(record.member.entry.raw_name, record.member.name, new)
        changed[record.at] = zip_rewrite.replaced(record, raw_name, inner.content, password, work.budget)
        removed |= dict.fromkeys(inner.removed)
    if not changed:
        raise NothingToDisarm(f"{name or 'the zip file'} holds nothing that could be taken out")
    records = tuple(changed.get(record.at, record) for record in archive.records)
    return Disarmed(zip_rewrite.written(replace(archive, records=records)), name, _MEDIA_TYPE, tuple(removed))


def _opened(records: Iterable[Record], name: str, work: Work) -> Iterator[tuple[Record, bytes, bytes | None]]:
    """Each member's content and the password it needed. What is locked comes last, behind the notes beside it."""
    for record in sorted(records, key=_late):
        member = record.member
        if not member.encrypted:
            plain = zip_rewrite.plain(record)
            if sniff.sniff(plain) in NOTES:
                work.passwords.hear(plain)
            yield record, plain, None
            continue
        found = work.passwords.try_on(f"{name}/{member.name}", work.budget, _Lock(record, work.budget).opened_with)
        if found is None:
            raise CannotDisarm(f"{member.name} is encrypted, and no password is known")
        (plain, password), _source = found
        yield record, plain, password


def _late(record: Record) -> tuple[bool, bool]:
    return record.member.encrypted, not record.member.entry.raw_name.lower().endswith(zip_container.NOTES)


class _Lock:
    """An encrypted member, on which passwords are tried."""

    def __init__(self, record: Record, budget: Budget) -> None:
        self._packed = record.packed
        self._entry = record.member.entry
        self._budget = budget

    def opened_with(self, password: str) -> tuple[bytes, bytes] | None:
        return zip_content.unlocked_by(self._packed, self._entry, self._budget, password)
