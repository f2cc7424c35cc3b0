"""Authentication of one message from the front: the jail reads it, DNS is asked, the jail judges.

Contract: ``verify`` always answers, within ``seconds`` in all, and raises nothing but cancellation: what could not be
found out is a ``temperror``, and no verdict about macros waits for it longer or changes by it.
"""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

from gateway.authentication import results
from gateway.authentication.resolver import Resolver
from gateway.message import Answer, Authentication, ScanFailed
from gateway.spool import Spool

DNS_SHARE: Final = 0.8
"""Of the time for the whole; what is left is for judging by the answers that came."""


class Reader(Protocol):
    """The jail (``gateway.workers``). Both methods raise ``ScanFailed`` and nothing else."""

    async def names(self, content: Spool) -> tuple[str, ...]: ...

    async def authenticate(self, content: Spool, answers: tuple[Answer, ...]) -> Authentication: ...


class Authenticator:
    """What the pipeline is handed."""

    def __init__(self, reader: Reader, resolver: Resolver, authserv_id: str, seconds: float) -> None:
        self._reader = reader
        self._resolver = resolver
        self._authserv_id = authserv_id
        self._seconds = seconds

    async def verify(self, content: Spool) -> Authentication:
        """Who answers for the message as it arrived."""
        try:
            async with asyncio.timeout(self._seconds):
                names = await self._reader.names(content)
                answers = await self._resolver.look_up(names, self._seconds * DNS_SHARE)
                return await self._reader.authenticate(content, answers)
        except TimeoutError:
            return Authentication.unknown("not verified in time")
        except ScanFailed as failure:
            return Authentication.unknown(f"not verified: {failure.detail}")

    def stamp(self, found: Authentication) -> bytes:
        """The Authentication-Results line for the top of the message."""
        return results.field(self._authserv_id, found)
