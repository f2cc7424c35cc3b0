"""People whom the web server in front has signed in: it names them in a header.

Contract: the header counts only from a peer among the trusted proxies, and there nothing else does: no cookie and no
password. From anybody else it is ignored, which is told once. It names a user of the file of users, whose role is the
one that stands there. A user has one session here, whichever browser they use, for the token of its forms: the header
is what says who asks, and no site but ours can know that token. Sessions are as ``gateway.web.sessions`` has them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.requests import Request

from gateway.message import clip
from gateway.web.clients import Networks, comes_from
from gateway.web.pages import DeskError
from gateway.web.sessions import Session, Sessions, same
from gateway.web.users import User, Users

LONGEST_NAME = 64


class NotLetIn(DeskError):
    """The web server in front names nobody, or nobody who is known here; the message is for who stands at the door."""


@dataclass(slots=True)
class Front:
    """``header``: its name, "" when nobody is named so. ``proxies`` are believed; ``tell`` notes in the log that this
    address, which is none of them, sent the header."""

    header: str = ""
    proxies: Networks = ()
    tell: Callable[[str], None] = lambda _address: None
    _told: bool = False
    _sessions: Sessions = field(default_factory=Sessions)
    _tokens: dict[str, str] = field(default_factory=dict)
    """Of each user's session; at most as many as there are users, for others do not get one."""

    def speaks_for(self, request: Request) -> bool:
        """Whether the header decides who asks."""
        if not self.header:
            return False
        if comes_from(request, self.proxies):
            return True
        if self.header in request.headers and not self._told:
            self._told = True
            self.tell(request.client.host if request.client else "")
        return False

    async def enter(self, request: Request, users: Users, *, by_itself: bool) -> tuple[User, Session] | None:
        """Who it is; None where a page asks ``by_itself`` and the session is over. Raises ``NotLetIn`` and
        ``UsersError``."""
        name = self._name(request)
        user = await asyncio.to_thread(users.get, name)
        if user is None:
            self._end(name)
            raise NotLetIn(
                f"The web server in front says that you are {clip(name, LONGEST_NAME)}, and there is no such user "
                "here. Who looks after Macrogate can add you: macrogate user add."
            )
        session = self._sessions.get(self._tokens.get(name, ""), by_itself=by_itself)
        if session is None or not same(session.proof, user.proof):  # over, or another role since
            self._end(name)
            if by_itself:
                return None
            session = self._sessions.begin(name, user.proof)
            self._tokens[name] = session.token
        return user, session

    def leave(self, session: Session) -> None:
        """Make the forms of all open pages of this user invalid."""
        self._end(session.user)

    def _end(self, name: str) -> None:
        self._sessions.end(self._tokens.pop(name, ""))

    def _name(self, request: Request) -> str:
        """Raises ``NotLetIn``. More than one: the proxy adds its own and lets through what the client wrote."""
        given = [value.strip() for value in request.headers.getlist(self.header)]
        if len(given) > 1:
            raise NotLetIn(
                f"The request has more than one header {self.header}, so nobody knows which of them is true. The web "
                "server in front has to replace what a browser sends."
            )
        if not given or not given[0]:
            raise NotLetIn(
                f"The web server in front has not said who you are: it has to send a header {self.header} with the "
                "name of a user."
            )
        return given[0]
