"""What can go wrong with the quarantine, each with a sentence for the person who has to act.

``KeepFailed`` is not here: the pipeline answers for it and finds it in ``gateway.message``.
"""

from __future__ import annotations


class QuarantineError(Exception):
    """Something could not be done; nothing was changed unless the text says so."""


class StoreRefused(QuarantineError):
    """The store cannot be used as it is: wrong URL, corrupt index, written by a newer version, no rights."""


class StoreBusy(StoreRefused):
    """Another daemon has the store."""


class HeldNotFound(QuarantineError):
    """No held message goes by this id, or several do."""


class NotPossible(QuarantineError):
    """The message is not in a state, or has no recipient, that this could be done with."""


class MessageDamaged(QuarantineError):
    """The files of a held message are missing or not what was written. Somebody has to look: an anti-virus program on
    the host, a restored backup, an intruder."""


class ReleaseFailed(QuarantineError):
    """The next hop did not take every copy. The text has its words; the journal says who did get one."""
