"""Whose name is on a message: the domain of its From field (RFC 5322 §3.6.2).

Contract: pure, linear; takes any header. ``author`` raises ``NoAuthor`` with a sentence where there is none, or more
than one: programs then disagree about what the reader is shown, so nobody can vouch for it (RFC 7489 §6.6.1).
"""

from __future__ import annotations

import contextlib
import re

from gateway.authentication import tags
from gateway.authentication.fields import Header
from gateway.scan import headers

_ANGLE = re.compile(r"<([^<>]*)>")
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}")
"""RFC 5322 §3.2.3 dot-atom; nothing that one program reads otherwise than another."""


class NoAuthor(Exception):
    """From does not name one domain."""


def author(header: Header) -> str:
    """The domain of From in lower case, as DNS has it."""
    domains = {_domain(place) for place in _places(header)}
    if len(domains) != 1:
        raise NoAuthor("From has no address" if not domains else "From has addresses of several domains")
    return domains.pop()


def mailbox(header: Header) -> str:
    """The one address in From, its domain as ``author`` gives it; "" where there is none or more than one, or its local
    part is not as plain as those of people are."""
    with contextlib.suppress(NoAuthor):
        domain, places = author(header), _places(header)
        local = places[0].rpartition("@")[0].strip()
        if len(places) == 1 and _LOCAL.fullmatch(local):
            return f"{local}@{domain}"
    return ""


def _places(header: Header) -> list[str]:
    fields = header.all(b"from")
    if len(fields) != 1:
        raise NoAuthor("there is no From field" if not fields else "there are several From fields")
    text = headers.without_quoted(headers.without_comments(fields[0].text))
    return [place for place in _ANGLE.findall(text) or text.split(",") if "@" in place]


def _domain(address: str) -> str:
    text = address.rpartition("@")[2].strip().rstrip(".")
    if not text.isascii():
        try:
            text = text.encode("idna").decode("ascii")
        except UnicodeError:
            raise NoAuthor("From has a domain that cannot be in DNS") from None
    if not tags.is_name(text):
        raise NoAuthor("From has no domain name")
    return text.lower()
