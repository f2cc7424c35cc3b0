"""Put index and files in order: at the start of the daemon, and when the index has to be made anew.

Contract: the files are the truth. No message, record or journal is ever removed here; only unfinished writes are, whose
sender was never told that they are kept. What nobody can make sense of is reported and left as it is.
"""

from __future__ import annotations

import contextlib
import os
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from gateway import failpoints
from gateway.closed_sets import HeldState
from gateway.quarantine.database import NewerStore
from gateway.quarantine.entering import add, make_known
from gateway.quarantine.errors import MessageDamaged, QuarantineError, StoreRefused
from gateway.quarantine.index import Index
from gateway.quarantine.journal import OURSELVES, What
from gateway.quarantine.ledger import Ledger
from gateway.quarantine.models import Files, Settled
from gateway.quarantine.rows import known
from gateway.quarantine.sidecar import Record

BATCH = 200
"""Records entered in one transaction."""


async def settle(ledger: Ledger) -> Settled:
    """What the daemon does before it takes mail. Raises ``OSError`` and ``SQLAlchemyError``."""
    swept = await ledger.run(ledger.blobs.sweep)
    failpoints.reach("start-swept")
    await _make_known(ledger)
    on_disk = set(await ledger.run(lambda: list(ledger.blobs.ids())))
    indexed = await ledger.index.ids()
    new, unreadable = await _adopt(ledger, sorted(on_disk - indexed), recovered=not ledger.index.fresh)
    for held_id in set(await ledger.index.in_state(HeldState.RELEASING)) & on_disk:
        with contextlib.suppress(MessageDamaged):
            await ledger.catch_up(held_id)
    gone = (HeldState.DELETED, HeldState.EXPIRED)
    for held_id in set(await ledger.index.stored_in(gone)) & on_disk:
        with contextlib.suppress(QuarantineError):
            await ledger.remove_bytes(held_id)
    return Settled(new, swept, unreadable, tuple(sorted(indexed - on_disk)))


async def _adopt(ledger: Ledger, ids: list[str], *, recovered: bool) -> tuple[int, tuple[str, ...]]:
    entered, unreadable = 0, list[str]()
    for start in range(0, len(ids), BATCH):
        found, damaged = await ledger.run(_read_batch, ledger, ids[start : start + BATCH], recovered)
        unreadable += damaged
        failpoints.reach("start-adopted")
        # oldest first, so that a duplicate points at what came before it
        found.sort(key=lambda files: files.record.kept_at)
        await ledger.index.write(partial(add, new=found))
        entered += len(found)
    return entered, tuple(unreadable)


async def _make_known(ledger: Ledger) -> None:
    """Enter what can be looked for of messages that an older version has entered; what has no record on disk any more
    is found by what its row tells."""
    while unknown := await ledger.index.unknown(BATCH):
        records = await ledger.run(_read_records, ledger, list(unknown))
        told = [
            (place, known(records[held_id]) if held_id in records else by_row)
            for held_id, (place, by_row) in unknown.items()
        ]
        await ledger.index.write(partial(make_known, told=told))


def _read_records(ledger: Ledger, ids: list[str]) -> dict[str, Record]:
    found = {}
    for held_id in ids:
        with contextlib.suppress(MessageDamaged, OSError):
            found[held_id] = ledger.read_now(held_id).record
    return found


def _read_batch(ledger: Ledger, ids: list[str], recovered: bool) -> tuple[list[Files], list[str]]:
    found, damaged = [], []
    for held_id in ids:
        try:
            found.append(_read_for_index(ledger, held_id, recovered))
        except MessageDamaged as error:
            damaged.append(str(error))
    return found, damaged


def _read_for_index(ledger: Ledger, held_id: str, recovered: bool) -> Files:
    files = ledger.read_now(held_id)
    if not recovered:
        return files
    journal = files.journal.followed_by(
        What.RECOVERED,
        files.journal.state,
        at=datetime.now(UTC),
        who=OURSELVES,
        why="found on disk without a row in the index; its sender may not have heard that it is kept",
    )
    ledger.blobs.append_journal(held_id, journal.last.line)
    return Files(files.record, journal, files.stored, files.modified)


async def put_aside(store: Path) -> None:
    """Move the index away, to make a new one. Raises ``OSError``, and ``StoreRefused`` for a newer version."""
    try:
        await (await Index.open(store, create=False)).close()
    except NewerStore:
        raise
    except StoreRefused:
        pass  # damaged or not there: this is what a rebuild is for
    aside = store.with_name(f"{store.name}.{datetime.now(UTC):%Y%m%dT%H%M%SZ}.old")
    for suffix in ("-wal", "-shm", ""):  # the main file last: as long as it stands, a new try finds everything
        with contextlib.suppress(FileNotFoundError):
            os.rename(f"{store}{suffix}", f"{aside}{suffix}")
