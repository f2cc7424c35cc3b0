"""Delete what has been kept for long enough.

Contract: a message goes only when its record and its file are both older than the retention, so that neither a clock
that jumps nor a restored backup makes it go early. Its bytes go; record, journal and index row stay for the history.
A message somebody is releasing right now stays.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gateway.closed_sets import HeldState
from gateway.quarantine.errors import MessageDamaged, NotPossible
from gateway.quarantine.journal import OURSELVES, What
from gateway.quarantine.ledger import Ledger, Step
from gateway.quarantine.models import Files

FLOOR = timedelta(days=1)
"""The least that a message is kept, whatever the setting says."""


async def expire(ledger: Ledger, retention: timedelta, floor: timedelta, now: datetime, who: str = OURSELVES) -> int:
    """Delete the bytes of messages older than ``retention`` at ``now``; returns how many. Raises
    ``QuarantineError``."""
    before = now - max(retention, floor)
    why = f"kept for longer than {max(retention, floor)}"

    def step(files: Files) -> Step:
        if files.modified > before.timestamp() or files.record.kept_at > before:
            raise NotPossible(f"{files.record.held_id} is not old enough")
        if files.journal.state is HeldState.HELD:
            return Step(What.EXPIRED, HeldState.EXPIRED)
        if files.journal.state is HeldState.RELEASED:
            return Step(What.PURGED, HeldState.RELEASED)
        raise NotPossible(f"{files.record.held_id} is {files.journal.state.value}")

    count = 0
    for held_id in await ledger.index.stored_in((HeldState.HELD, HeldState.RELEASED), before):
        try:
            await ledger.change(held_id, who=who, why=why, step=step)
        except (NotPossible, MessageDamaged):
            continue  # the damaged one was reported when the daemon started; the others must not wait for it
        await ledger.remove_bytes(held_id)
        count += 1
    return count


class SteadyClock:
    """The wall clock, without its jumps ahead: as much later than at the start as the monotonic clock says."""

    def __init__(self, wall: float, monotonic: float) -> None:
        self._offset = wall - monotonic

    def now(self, wall: float, monotonic: float) -> datetime:
        return datetime.fromtimestamp(min(wall, monotonic + self._offset), UTC)
