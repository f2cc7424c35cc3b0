"""Which EHLO keywords are offered, and which parameters of MAIL and RCPT follow from them.

Contract: offered is what the next hop, this listener and the configuration have in common (RFC 5321 §2.2.1: an
extension a relay does not understand must not pass); a parameter of an extension that was not offered raises
``CommandError``. What passes is passed on word for word.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.smtp.protocol import CommandError, Path

PASSED_ON = ("ENHANCEDSTATUSCODES", "8BITMIME", "SMTPUTF8", "DSN")
"""Offered exactly if the next hop offers it: these end up in what we send there."""

_MAIL = {"SIZE": "SIZE", "BODY": "8BITMIME", "SMTPUTF8": "SMTPUTF8", "RET": "DSN", "ENVID": "DSN"}
_RCPT = {"NOTIFY": "DSN", "ORCPT": "DSN"}

_NO_SMTPUTF8 = "553 5.6.7 Internationalized addresses need SMTPUTF8, here and at the next hop"


def offered(hop: Mapping[str, str], max_size: int) -> dict[str, str]:
    """EHLO keyword → its parameters, for a next hop that offers ``hop``."""
    limit = hop.get("SIZE", "")
    size = min(max_size, int(limit)) if limit.isascii() and limit.isdigit() and int(limit) else max_size
    return {"PIPELINING": "", "SIZE": str(size)} | {keyword: "" for keyword in PASSED_ON if keyword in hop}


def checked_sender(path: Path, announced: Mapping[str, str], *, trusted: bool, hop_has_auth: bool) -> Path:
    """``path`` as it may be sent on. Raises ``CommandError``."""
    found = path.keywords()
    path = _authenticated(path, found, trusted=trusted, hop_has_auth=hop_has_auth)
    _check(found, _MAIL, announced)
    if "BODY" in found and found["BODY"].upper() not in ("7BIT", "8BITMIME"):
        raise CommandError("501 5.5.4 BODY is 7BIT or 8BITMIME")
    if found.get("SMTPUTF8"):
        raise CommandError("501 5.5.4 SMTPUTF8 takes no value")
    if "SIZE" in found:
        _check_size(found["SIZE"], int(announced["SIZE"]))
    _check_charset(path, "SMTPUTF8" in found)
    return path


def checked_recipient(path: Path, announced: Mapping[str, str], *, smtputf8: bool) -> Path:
    """``path`` as it may be sent on. ``smtputf8``: MAIL had that parameter. Raises ``CommandError``."""
    if not path.address:
        raise CommandError("501 5.1.3 Bad recipient address syntax")
    _check(path.keywords(), _RCPT, announced)
    _check_charset(path, smtputf8)
    return path


def _check(found: Mapping[str, str], known: Mapping[str, str], announced: Mapping[str, str]) -> None:
    for keyword in found:
        if known.get(keyword) not in announced:
            raise CommandError(_NO_SMTPUTF8 if keyword == "SMTPUTF8" else "555 5.5.4 Unsupported option")


def _check_size(value: str, limit: int) -> None:
    if not (value.isascii() and value.isdigit() and len(value) <= 20):
        raise CommandError("501 5.5.4 SIZE is a number of octets")
    if int(value) > limit:
        raise CommandError("552 5.3.4 Message size exceeds the fixed limit")


def _check_charset(path: Path, smtputf8: bool) -> None:
    text = f"{path.address} {path.parameters}"
    if text.isascii():
        return
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # octets that are no UTF-8 were kept as surrogates
        raise CommandError(_NO_SMTPUTF8) from None
    if not smtputf8:
        raise CommandError(_NO_SMTPUTF8)


def _authenticated(path: Path, found: dict[str, str], *, trusted: bool, hop_has_auth: bool) -> Path:
    """RFC 4954 §5: nobody's word about who has authenticated is passed on but that of a trusted peer."""
    if found.pop("AUTH", None) is None or (trusted and hop_has_auth):
        return path
    return path.with_parameter("AUTH", "AUTH=<>" if hop_has_auth else "")
