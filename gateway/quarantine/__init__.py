"""The quarantine: messages held durably, until somebody who answers for it lets them go or their time is over.

``store`` is the whole of it for others. ``blobs`` (files) with ``sidecar`` (record) and ``journal`` (what was done)
are the truth; ``index`` (``database``, ``schema``, ``rows``, ``entering``) is a copy to search in; ``ledger`` changes
both in one step; whatever blocks has its turn on a thread of ours (``turns``); ``release``, ``retention`` and
``recovery`` are the three things that happen to a held message besides being looked at.
"""

from gateway.quarantine.errors import (
    HeldNotFound,
    MessageDamaged,
    NotPossible,
    QuarantineError,
    ReleaseFailed,
    StoreBusy,
    StoreRefused,
)
from gateway.quarantine.models import Filters, Held, HeldMessage, HeldRecipient, Released, Settled, Stats
from gateway.quarantine.store import Quarantine

__all__ = [
    "Filters",
    "Held",
    "HeldMessage",
    "HeldNotFound",
    "HeldRecipient",
    "MessageDamaged",
    "NotPossible",
    "Quarantine",
    "QuarantineError",
    "ReleaseFailed",
    "Released",
    "Settled",
    "Stats",
    "StoreBusy",
    "StoreRefused",
]
