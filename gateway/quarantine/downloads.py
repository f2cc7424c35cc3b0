"""What stands in the journal about people who take a message with them.

Contract: pure. Each download is covered by a line that names the person, the thing and the reason and was written not
more than ``WITHIN`` before it: the same once more within that time adds none, so a program that asks every second does
not grow the journal without end. Another part or another reason is another line; beyond ``MOST`` of one person within
that time the download is refused, for none is to go unnoted.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.message import clip
from gateway.quarantine.errors import NotPossible
from gateway.quarantine.journal import LONGEST_DETAIL, LONGEST_WHO, LONGEST_WHY, What
from gateway.quarantine.ledger import Step
from gateway.quarantine.models import Files

WITHIN = timedelta(hours=1)

MOST = 50
"""Lines: more parts than anybody looks at within an hour."""


AS_IT_IS = "the whole message, not in a zip"
"""What is taken, where that is as dangerous as it was."""


class AlreadyNoted(Exception):
    """A line covers it."""


def take(files: Files, who: str, why: str, what: str, now: datetime) -> Step:
    """The line. Raises ``AlreadyNoted`` and ``NotPossible``."""
    who, why, what = clip(who, LONGEST_WHO), clip(why, LONGEST_WHY), clip(what, LONGEST_DETAIL)
    theirs = [
        entry
        for entry in files.journal.entries
        if entry.what is What.DOWNLOADED and entry.who == who and abs(now - entry.at) < WITHIN
    ]
    if any((entry.why, entry.detail) == (why, what) for entry in theirs):
        raise AlreadyNoted
    if len(theirs) >= MOST:
        raise NotPossible(
            f"{who} took {files.record.held_id} or parts of it for {MOST} reasons within an hour, and no more can be "
            "noted now"
        )
    return Step(What.DOWNLOADED, files.journal.state, what)
