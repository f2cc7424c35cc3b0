"""Ask for a release, decide about it, see who waits.

Contract: every step is one change of the journal under its lock (``ledger``), so of two people who decide at once one
is told that the other was first. What may be done is ``asking``'s to say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from gateway.quarantine import asking
from gateway.quarantine.asking import Asked
from gateway.quarantine.errors import NotPossible
from gateway.quarantine.ledger import Ledger, Step, asked, known_form
from gateway.quarantine.models import Files
from gateway.quarantine.release import addresses, left
from gateway.quarantine.wish import Wish


class Requests:
    """Those of one quarantine. All methods raise ``NotPossible`` and other ``QuarantineError``."""

    def __init__(self, ledger: Ledger, *, two_person: bool) -> None:
        self._ledger = ledger
        self.two_person = two_person
        """Whether every release takes a request and an approval of two different accounts."""

    async def ask(self, held_id: str, wish: Wish, *, who: str, account: str, why: str) -> None:
        """Note that somebody asks for a release, so that another can approve just that."""

        def step(files: Files) -> Step:
            chosen = left(files, wish)
            if not chosen and not wish.to:
                raise NotPossible("Everybody who was chosen has it already")
            envelope = files.record.transaction.envelope.recipients
            whole = replace(wish, recipients=None if wish.to else tuple(envelope[at].address for at in chosen))
            goes = "a disarmed copy" if wish.disarmed else "the original"
            told = f"{goes} to {', '.join(addresses(files, chosen, wish))}"
            return asking.ask(files, whole, told, account, datetime.now(UTC))

        await self._change(held_id, who, _reason(why), step)

    async def approve(self, held_id: str, number: int, *, who: str, account: str, why: str) -> Asked:
        """Let a request be carried out (``Quarantine.carry_out``), once, and nothing else."""
        files = await self._change(
            *(held_id, who, why),
            lambda files: asking.approve(files, number, account, datetime.now(UTC), two_person=self.two_person),
        )
        return asking.numbered(files.journal, number, datetime.now(UTC))

    async def opened(self, held_id: str, number: int) -> Asked:
        """The request of this number, which waits to be decided or to be carried out."""
        known_form(held_id)
        return asking.numbered((await self._ledger.read(held_id)).journal, number, datetime.now(UTC))

    async def refuse(self, held_id: str, number: int, *, who: str, account: str, why: str) -> None:
        """Answer a request with no; ``number`` 0: those that recipients made by their links."""
        await self._change(
            *(held_id, who, _reason(why)), lambda files: asking.refuse(files, number, account, datetime.now(UTC))
        )

    async def take_back(self, held_id: str, number: int, *, who: str, account: str) -> None:
        """Whoever asked does not want it any more."""
        await self._change(
            *(held_id, who, ""), lambda files: asking.take_back(files, number, account, datetime.now(UTC))
        )

    async def count(self) -> int:
        """Messages that somebody, recipients among them, waits to have released."""
        with asked():
            return await self._ledger.index.count_asked(datetime.now(UTC) - asking.LASTS)

    async def ids(self, limit: int) -> list[str]:
        """Ids of those messages, first asked first."""
        with asked():
            return await self._ledger.index.asked(datetime.now(UTC) - asking.LASTS, limit)

    async def _change(self, held_id: str, who: str, why: str, step: Callable[[Files], Step]) -> Files:
        known_form(held_id)
        return await self._ledger.change(held_id, who=who, why=why, step=step)


def _reason(why: str) -> str:
    if not why.strip():
        raise NotPossible("A reason is needed: it is what the next person will read")
    return why
