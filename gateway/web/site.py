"""All pages, put together. Works without JavaScript; nothing is fetched from elsewhere.

Contract: every page forbids the browser to run or fetch what is not ours (Content-Security-Policy, ``pages.HEADERS``).
"""

from __future__ import annotations

from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from gateway.web.asking import AskingPages
from gateway.web.clients import Networks
from gateway.web.desk import Desk
from gateway.web.excepted import ExceptionPages
from gateway.web.front import Front
from gateway.web.held import HeldPages
from gateway.web.listing import ListPages
from gateway.web.oidc.client import Client
from gateway.web.oidc.pages import OidcPages, Told
from gateway.web.pages import HERE
from gateway.web.releasing import ReleasePages
from gateway.web.several import SeveralPages
from gateway.web.start import StartPages
from gateway.web.users import Users
from gateway.web.visits import Visits


def routes(
    desk: Desk,
    users: Users,
    *,
    public_url: str = "",
    proxies: Networks = (),
    front: Front | None = None,
    oidc: tuple[Client, Told] | None = None,
) -> list[BaseRoute]:
    """The pages. ``public_url`` is where people reach them, "" for this port itself; ``proxies`` are the web servers
    in front that say whose request they pass on, ``front`` knows whom they have signed in. ``oidc``: a provider that
    does so, and who is told."""
    visits = Visits(users, public_url, desk.waiting, proxies, front, oidc[0] if oidc else None)
    return [
        *visits.routes(),
        *StartPages(desk, visits).routes(),
        *(OidcPages(oidc[0], visits, oidc[1]).routes() if oidc else []),
        *ListPages(desk, visits).routes(),
        *SeveralPages(desk, visits).routes(),
        *HeldPages(desk, visits).routes(),
        *ReleasePages(desk, visits).routes(),
        *ExceptionPages(desk, visits).routes(),
        *AskingPages(desk, visits).routes(),
        Mount("/static", StaticFiles(directory=HERE / "static")),
    ]
