"""Pages of ours that somebody may be sent to after the sign-in.

Contract: pure. Whatever a browser, a link or a form names, ``local`` gives a path of this very site.
"""

from __future__ import annotations

import re

from starlette.requests import Request

HOME = "/"
_LOCAL = re.compile(r"/(?!/)[!-\[\]-~]{0,1000}")
"""Printable ASCII without a backslash. ``//host`` would be another site, and browsers read ``\\`` as ``/`` and pass
over tabs and line ends."""


def local(path: str) -> str:
    """``path`` if it is one of ours to show, else the start page."""
    fits = _LOCAL.fullmatch(path) and not path.startswith("/sign-")
    return path if fits else HOME


def wanted(request: Request) -> str:
    """What a request asks to see; the start page for one that wants to change something."""
    if request.method != "GET":
        return HOME
    path = bytes(request.scope.get("raw_path", b"")).partition(b"?")[0]
    query = bytes(request.scope.get("query_string", b""))
    return local((path + (b"?" + query if query else b"")).decode("latin-1"))
