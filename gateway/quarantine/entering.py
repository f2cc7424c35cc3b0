"""What writes into the index: statements of one transaction, and the group of messages that share one.

Contract: everything here blocks and belongs into the one thread that writes (``Index.write``). A group is answered once
it is committed, each of it with its own result; a message that cannot be entered costs the others nothing but time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import Connection, and_, func, insert, select, update
from sqlalchemy.exc import OperationalError

from gateway.quarantine.database import disk_failed
from gateway.quarantine.errors import HeldNotFound
from gateway.quarantine.journal import Journal
from gateway.quarantine.models import Files
from gateway.quarantine.rows import Known, audit_values, held_values, known, place_of, recipient_values
from gateway.quarantine.schema import audit, file, held, macro, recipient, searched
from gateway.quarantine.search import table as search
from gateway.quarantine.sidecar import Record

INTO = {table: insert(table) for table in (held, recipient, audit, searched, search, macro, file)}
"""Made once, not for every message."""

MOST = 64
"""Messages of one transaction: it takes some hundredths of a second, and whoever wants to change one waits for it."""

Waiting = tuple[Files, Future[None]]


class Group:
    """Messages that wait to be entered. ``writing`` opens a transaction, ``begin`` gives work to the thread that
    writes."""

    def __init__(
        self, writing: Callable[[], AbstractContextManager[Connection]], begin: Callable[[Callable[[], None]], object]
    ) -> None:
        self._writing, self._begin = writing, begin
        self._waiting = deque[Waiting]()
        self._called = False
        self._broken: Exception | None = None

    def join(self, files: Files) -> Future[None]:
        """Wait for the next transaction, of which the future tells. Raises ``OSError`` when there will be none."""
        waiting: Waiting = (files, Future())
        self._waiting.append(waiting)
        if not self._called:  # one turn for all who come before it: whoever stands behind it waits for no others
            self._called = True
            try:
                self._begin(self._enter)
            except OSError:
                self._called = False
                raise
        return waiting[1]

    def _enter(self) -> None:
        """Enter those who wait. Raises nothing: they are told."""
        self._called = False  # before looking: who comes now, and is not seen, calls again
        came = [self._waiting.popleft() for _ in range(len(self._waiting))]
        waiting = [one for one in came if one[1].set_running_or_notify_cancel()]
        for start in range(0, len(waiting), MOST):
            self._enter_together(waiting[start : start + MOST])

    def _enter_together(self, group: list[Waiting]) -> None:
        error = self._try(group)
        if error is None or len(group) == 1 or isinstance(error, OperationalError):  # of the disk, or of a lock
            _tell(group, error)
            return
        for one in group:
            _tell([one], self._try([one]))

    def _try(self, group: list[Waiting]) -> Exception | None:
        """Why it could not be entered. After a sync that failed nothing is: the next one might lie."""
        if self._broken is not None:
            return self._broken
        try:
            with self._writing() as connection:
                add(connection, [files for files, _ in group])
        except Exception as error:  # noqa: BLE001 - whatever it was, somebody waits to be told
            self._broken = error if disk_failed(error) else None
            return error
        return None


def _tell(group: list[Waiting], error: Exception | None) -> None:
    for _, future in group:
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)


def add(connection: Connection, new: Sequence[Files]) -> None:
    """Enter records that are not there yet, and note of which other one each is probably a duplicate."""
    rows = [held_values(files.record, files.journal, files.stored) for files in new]
    originals = _originals(connection, rows)
    for row in rows:
        original = originals.setdefault((row["sha256"], row["envelope"]), row["id"])
        row["duplicate_of"] = None if original == row["id"] else original
    places = _places(connection, new)
    for row, place in zip(rows, places, strict=True):
        row["place"] = place
    records = [files.record for files in new]
    addresses = [values for files in new for values in recipient_values(files.record, files.journal)]
    entries = [audit_values(files.record.held_id, entry) for files in new for entry in files.journal.entries]
    for table, values in ((held, rows), (recipient, addresses), (audit, entries)):
        if values:
            connection.execute(INTO[table], values)
    make_known(connection, [(at, known(one)) for at, one in zip(places, records, strict=True)])


def _places(connection: Connection, new: Sequence[Files]) -> list[int]:
    """A free place in the list for each, at its time or as soon after it as can be."""
    wanted = [place_of(files.record.kept_at) for files in new]
    taken = set(_taken(connection, wanted))
    places: dict[int, None] = {}
    for place in wanted:
        free = place
        while free in places or free in taken or (free != place and _taken(connection, [free])):
            free += 1
        places[free] = None
    return list(places)


def _taken(connection: Connection, wanted: list[int]) -> Sequence[int]:
    return connection.scalars(select(searched.c.place).where(searched.c.place.in_(wanted))).all()


def make_known(connection: Connection, told: Sequence[tuple[int, Known]]) -> None:
    """Enter what can be looked for of messages that are there, by place."""
    words = [one.texts.values(place) for place, one in told]
    connection.execute(INTO[searched], words)
    connection.execute(INTO[search], [{"rowid": word.pop("place"), **word} for word in words])
    macros = [{"fingerprint": mark, "place": place} for place, one in told for mark in sorted(one.macros)]
    files = [{"sha256": mark, "place": place} for place, one in told for mark in sorted(one.files)]
    for table, values in ((macro, macros), (file, files)):
        if values:
            connection.execute(INTO[table], values)


def _originals(connection: Connection, rows: list[dict[str, Any]]) -> dict[tuple[str, str], str]:
    """By content and envelope, the oldest record that is there already."""
    content = held.c.sha256.in_([row["sha256"] for row in rows])
    envelope = held.c.envelope.in_([row["envelope"] for row in rows])
    query = select(held.c.sha256, held.c.envelope, held.c.id).where(content, envelope)
    found = connection.execute(query.order_by(held.c.kept_at.desc(), held.c.id.desc())).all()
    return {(row.sha256, row.envelope): row.id for row in found}


def lock(connection: Connection, held_id: str) -> None:
    """Keep everybody else from changing this row until the end of the transaction. Raises ``HeldNotFound``."""
    query = select(held.c.id).where(held.c.id == held_id).with_for_update()
    if connection.scalar(query) is None:
        raise HeldNotFound(f"There is no held message {held_id}")


def refresh(connection: Connection, record: Record, journal: Journal, stored: int) -> None:
    """Bring the row up to what the files say."""
    this = held.c.id == record.held_id
    connection.execute(update(held).where(this).values(held_values(record, journal, stored)))
    entered = connection.scalar(select(func.max(audit.c.sequence)).where(audit.c.held_id == record.held_id))
    missing = [audit_values(record.held_id, entry) for entry in journal.entries if entry.sequence > (entered or 0)]
    if missing:
        connection.execute(insert(audit), missing)
    if journal.delivered:
        mine = and_(recipient.c.held_id == record.held_id, recipient.c.position.in_(sorted(journal.delivered)))
        connection.execute(update(recipient).where(mine).values(delivered=True))
