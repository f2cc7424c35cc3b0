"""DMARC: does From belong to whoever signed or sent the message (RFC 7489)?

Contract: pure; takes any text; never raises. Whether the organisation is the same is judged by the public suffix list
that came with ``publicsuffixlist``; no network, and no file once ``suffixes`` was called.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass

from publicsuffixlist import PublicSuffixList

from gateway.authentication import tags
from gateway.authentication.publickey import Unverified
from gateway.authentication.signature import Ask
from gateway.authentication.tags import BadTags
from gateway.closed_sets import AuthResult
from gateway.message import Authentication, Checked, Signed

POLICIES = frozenset({"none", "quarantine", "reject"})


@functools.cache
def suffixes() -> PublicSuffixList:
    """The list, read once."""
    return PublicSuffixList()


def organisation(domain: str) -> str:
    """The organisational domain (RFC 7489 §3.2): one label below the public suffix, or the domain itself."""
    return suffixes().privatesuffix(domain) or domain


def names(domain: str) -> list[str]:
    """Where a policy may be (RFC 7489 §6.6.3)."""
    return list(dict.fromkeys((f"_dmarc.{domain}", f"_dmarc.{organisation(domain)}")))


@dataclass(frozen=True, slots=True)
class Record:
    """A published policy. ``strict_*``: the domains have to be equal (``adkim``, ``aspf``)."""

    policy: str
    strict_dkim: bool
    strict_spf: bool


def check(domain: str, dkim: Iterable[Signed], spf: Checked, ask: Ask) -> tuple[Checked, str]:
    """Result for the domain of From, and the policy its owner asks for."""
    try:
        record = _find(domain, ask)
    except Unverified as problem:
        return Checked(problem.result, domain, problem.reason), ""
    except BadTags as error:
        return Checked(AuthResult.PERMERROR, domain, f"the published policy cannot be read: {error}"), ""
    if record is None:
        return Checked(AuthResult.NONE, domain, "no policy is published"), ""
    return _judged(domain, record, list(dkim), spf), record.policy


def _judged(domain: str, record: Record, dkim: list[Signed], spf: Checked) -> Checked:
    signed = (found.domain for found in dkim if found.result is AuthResult.PASS)
    if any(_aligned(domain, other, record.strict_dkim) for other in signed):
        return Checked(AuthResult.PASS, domain)
    if spf.result is AuthResult.PASS and _aligned(domain, spf.domain, record.strict_spf):
        return Checked(AuthResult.PASS, domain)
    if AuthResult.TEMPERROR in {spf.result, *(found.result for found in dkim)}:
        return Checked(AuthResult.TEMPERROR, domain, "it depends on a check that could not be made now")
    return Checked(AuthResult.FAIL, domain, "nothing that holds belongs to this domain")


def _aligned(domain: str, other: str, strict: bool) -> bool:
    if strict or not other:
        return domain == other
    return organisation(domain) == organisation(other)


def _find(domain: str, ask: Ask) -> Record | None:
    """The record of the domain, else that of its organisation. Raises ``Unverified``, ``BadTags``."""
    for name in names(domain):
        found = [text for text in ask(name) if text.replace(" ", "").startswith("v=DMARC1")]
        if len(found) == 1:
            return _record(tags.parse(found[0].encode("ascii", "replace")), below=name != f"_dmarc.{domain}")
        if found:  # RFC 7489 §6.6.3: then DMARC does not apply
            return None
    return None


def _record(found: tags.Tags, *, below: bool) -> Record:
    policy = tags.word(found, "p").lower()
    if below and "sp" in found:
        policy = tags.word(found, "sp").lower()
    if policy not in POLICIES:
        if "rua" not in found:
            raise BadTags("p= is missing or unknown")
        policy = "none"
    return Record(policy, tags.word(found, "adkim").lower() == "s", tags.word(found, "aspf").lower() == "s")


def unknown(reason: str) -> Authentication:
    """A message that cannot be authenticated at all."""
    failed = Checked(AuthResult.PERMERROR, reason=reason)
    return Authentication(dkim=(Signed(AuthResult.PERMERROR, reason=reason),), arc=Checked(), dmarc=failed)
