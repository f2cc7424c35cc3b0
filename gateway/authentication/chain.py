"""The ARC chain of a message (RFC 8617 §5.2).

Contract: pure; takes any fields. ``read`` finds the sets and never raises; ``check`` answers with a result and a
sentence. Everything that is not a whole chain of at most 50 sets, each sealed, is a chain that failed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gateway.authentication import signature as signatures
from gateway.authentication import tags
from gateway.authentication.fields import Header, RawField
from gateway.authentication.publickey import Unverified
from gateway.authentication.signature import Ask, Bodies
from gateway.authentication.tags import BadTags
from gateway.closed_sets import AuthResult
from gateway.message import Checked

MAX_SETS: Final = 50
"""RFC 8617 §4.2.1"""

RESULTS: Final = b"arc-authentication-results"
MESSAGE: Final = b"arc-message-signature"
SEAL: Final = b"arc-seal"


@dataclass(frozen=True, slots=True)
class Seal:
    """A parsed ARC-Seal."""

    field: RawField
    algorithm: str
    domain: str
    selector: str
    state: str
    """``cv=``: what its maker found."""
    signature: bytes

    @property
    def name(self) -> str:
        """Where its key is in DNS."""
        return signatures.key_name(self.selector, self.domain)


@dataclass(frozen=True, slots=True)
class Set:
    """What one handler added."""

    results: RawField
    message: signatures.Signature
    seal: Seal


@dataclass(frozen=True, slots=True)
class Chain:
    """All sets, the oldest first. ``newest`` is the highest instance named anywhere, ``problem`` why this is no chain,
    ``ended``: its last seal says that it had failed already."""

    sets: tuple[Set, ...] = ()
    newest: int = 0
    problem: str = ""
    ended: bool = False

    @property
    def names(self) -> Iterator[str]:
        """Where the keys are in DNS that ``check`` needs."""
        if self.sets and not self.problem:
            yield self.sets[-1].message.name
            yield from (found.seal.name for found in self.sets)


def read(header: Header) -> Chain:
    """The chain as its fields tell it."""
    newest = 1
    try:
        sets = _grouped(header)
        if not sets:
            return Chain()
        newest = min(max(sets), MAX_SETS)
        found = tuple(_set(number, sets.get(number, {})) for number in range(1, newest + 1))
    except BadTags as error:
        return Chain(newest=newest, problem=f"the ARC fields cannot be read: {error}")
    if len(sets) != newest:
        return Chain(newest=newest, problem=f"there are more than {MAX_SETS} ARC sets")
    states = [item.seal.state for item in found]
    if states[-1] == "fail":
        return Chain(found, newest, "an earlier handler found the chain broken", ended=True)
    problem = "" if states == ["none", *["pass"] * (newest - 1)] else "the seals contradict each other"
    return Chain(found, newest, problem)


def _grouped(header: Header) -> dict[int, dict[bytes, RawField]]:
    sets: dict[int, dict[bytes, RawField]] = {}
    for key in (RESULTS, MESSAGE, SEAL):
        for field in header.all(key):
            found = sets.setdefault(_instance(field), {})
            if key in found:
                raise BadTags("two fields have one instance")
            found[key] = field
    return sets


def _instance(field: RawField) -> int:
    """``i=`` of any ARC field; in ARC-Authentication-Results it stands in front of what is no tag list."""
    found = tags.parse(field.value.partition(b";")[0] if field.key == RESULTS else field.value)
    number = tags.number(found, "i")
    if not number:
        raise BadTags("i= is missing or zero")
    return number


def _set(number: int, fields: dict[bytes, RawField]) -> Set:
    if len(fields) != 3:
        raise BadTags(f"set {number} is not whole")
    return Set(fields[RESULTS], signatures.parse(fields[MESSAGE], arc=True), _seal(fields[SEAL]))


def _seal(field: RawField) -> Seal:
    found = tags.parse(field.value)
    tags.required(found, "a", "b", "cv", "d", "s")
    if "h" in found:
        raise BadTags("a seal has h=")
    state = tags.word(found, "cv").lower()
    if state not in {"none", "pass", "fail"}:
        raise BadTags("cv= is unknown")
    return Seal(
        field=field,
        algorithm=tags.word(found, "a").lower(),
        domain=tags.domain(found, "d"),
        selector=tags.domain(found, "s"),
        state=state,
        signature=tags.data(found, "b"),
    )


def check(chain: Chain, header: Header, bodies: Bodies, ask: Ask, now: float) -> Checked:
    """How the chain fares. An answer of DNS that is still missing is no verdict about it."""
    if not chain.newest:
        return Checked()
    domain = chain.sets[-1].seal.domain if chain.sets else ""
    if chain.problem:
        return Checked(AuthResult.FAIL, domain, chain.problem)
    result, reason = signatures.check(chain.sets[-1].message, header, bodies, ask, now)
    if result is not AuthResult.PASS:
        return _failed(result, domain, f"the newest message signature: {reason}")
    for number in range(chain.newest, 0, -1):
        result, reason = _check_seal(chain.sets[:number], ask)
        if result is not AuthResult.PASS:
            return _failed(result, domain, f"seal {number}: {reason}")
    return Checked(AuthResult.PASS, domain)


def _failed(result: AuthResult, domain: str, reason: str) -> Checked:
    """A chain passes or fails (RFC 8617 §4.4); only a key that could not be had now is neither."""
    kept = AuthResult.TEMPERROR if result is AuthResult.TEMPERROR else AuthResult.FAIL
    return Checked(kept, domain, reason)


def _check_seal(sets: tuple[Set, ...], ask: Ask) -> tuple[AuthResult, str]:
    seal = sets[-1].seal
    try:
        key = signatures.find_key(seal.algorithm, seal.name, ask)
    except Unverified as problem:
        return problem.result, problem.reason
    digest = signatures.digest(sealed_fields(sets), seal.field, relaxed=True)
    if not key.verifies(seal.signature, digest):
        return AuthResult.FAIL, "it does not hold"
    return AuthResult.PASS, ""


def sealed_fields(sets: tuple[Set, ...]) -> list[RawField]:
    """What the seal of the last of ``sets`` is about, itself left out (RFC 8617 §5.1.1): all sets in order, in each
    the results, the message signature, the seal."""
    return all_fields(sets)[:-1]


def all_fields(sets: tuple[Set, ...]) -> list[RawField]:
    """The fields of whole sets in the order they are sealed in."""
    return [field for found in sets for field in (found.results, found.message.field, found.seal.field)]
