"""What the MTA in front found out about SPF, which only it could see (RFC 7208 §9.1, RFC 8601 §2).

Contract: pure, linear; takes any header; never raises. Believed is a field that names a host the configuration trusts
and stands above the second ``Received`` line, because the first is the front MTA's own. The front MTA has to remove
forged ones (RFC 8601 §5); of several the topmost counts.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from gateway.authentication import tags
from gateway.authentication.fields import Header, RawField
from gateway.closed_sets import AuthResult
from gateway.message import Checked, clip
from gateway.scan.headers import first_word, without_comments

_PAIR = re.compile(r"([A-Za-z0-9.-]{1,64})\s{0,99}=\s{0,99}\"?([^\s\";]{1,320})\"?")
_WORDS = {word.value: word for word in AuthResult} | {"hardfail": AuthResult.FAIL, "error": AuthResult.TEMPERROR}


def spf(header: Header, trusted: Collection[str]) -> Checked:
    """The SPF result of a trusted host, ``none`` if there is none."""
    received = 0
    for field in header.fields if trusted else ():
        received += field.key == b"received"
        if received > 1:
            break
        reader = _READERS.get(field.key)
        if reader is not None and (found := reader(field, trusted)) is not None:
            return found
    return Checked()


def _results(field: RawField, trusted: Collection[str]) -> Checked | None:
    text = field.text
    if first_word(text) not in trusted:
        return None
    for statement in without_comments(text).split(";")[1:]:
        method, _, rest = statement.strip().partition("=")
        if method.strip().lower().partition("/")[0] == "spf":
            values = {key.lower(): value for key, value in _PAIR.findall(rest)}
            return _checked(rest, values.get("smtp.mailfrom", ""), values.get("smtp.helo", ""))
    return None


def _received_spf(field: RawField, trusted: Collection[str]) -> Checked | None:
    text = without_comments(field.text)
    values = {key.lower(): value for key, value in _PAIR.findall(text)}
    if values.get("receiver", "").lower() not in trusted:
        return None
    return _checked(text, values.get("envelope-from", ""), values.get("helo", ""))


def _checked(text: str, sender: str, helo: str) -> Checked:
    """``text`` begins with the result. Without a sender it is about HELO (RFC 7208 §2.4)."""
    word = (text.split() or [""])[0].lower()
    domain = (sender.rpartition("@")[2].strip("<>") or helo).lower()
    result = _WORDS.get(word, AuthResult.PERMERROR)
    if not tags.is_name(domain):
        domain = ""
    return Checked(result, domain, "" if result is AuthResult.PASS else clip(f"the front MTA says {word}", 200))


_READERS = {b"authentication-results": _results, b"received-spf": _received_spf}
