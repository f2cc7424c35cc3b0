"""Our seals and signatures hold for dkimpy and for ourselves, on a first hop, on a second, and on a broken chain."""

import time

import dkim
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.authentication import verify
from gateway.authentication.seal import CannotSeal, Sealer
from gateway.authentication.secret import SigningKey, named
from gateway.closed_sets import AuthResult
from gateway.message import Authentication, Checked, Edits, Span, Splice
from gateway.spool import Spool
from tests.makers import signed as made
from tests.makers.signed import MESSAGE, ed25519_key, rsa_key, signed, zone

KEY = named("example.com", "arc1", rsa_key())
ED25519 = named("example.com", "ed1", ed25519_key())
ZONE = zone() | {KEY.name: KEY.record, ED25519.name: ED25519.record}
NOTHING = Edits()


def noticed(message: bytes) -> Edits:
    """A change to the body."""
    return Edits((Splice(Span(len(message), len(message)), b"a notice\r\n"),))


def look_up(name: bytes, timeout: int = 5) -> bytes:
    return ZONE.get(name.decode().rstrip("."), "").encode()


def found_on(message: bytes) -> Authentication:
    return verify.verify(message, made.answers(verify.names(message), ZONE), (), time.time())


async def sealed(
    message: bytes, *, key: SigningKey = KEY, mark: str = "mx.example.com", edits: Edits = NOTHING
) -> bytes:
    spool = Spool.of(message)
    try:
        lines = await Sealer(mark, key, None).seal(spool, edits, found_on(message))
        return lines + b"".join(spool.chunks(edits))
    finally:
        spool.close()


async def test_a_first_seal_holds() -> None:
    message = await sealed(signed(), edits=noticed(signed()))
    assert dkim.arc_verify(message, dnsfunc=look_up)[0] == b"pass"
    found = found_on(message)
    assert (found.arc.result, found.arc.domain, found.instance) == ("pass", "example.com", 1)
    assert found.dkim_result == "fail"
    assert b"ARC-Authentication-Results: i=1; mx.example.com;\r\n dkim=pass" in message


async def test_a_second_and_a_third_seal_hold() -> None:
    first = await sealed(signed())
    message = await sealed(await sealed(first, edits=noticed(first)), mark="mx.example.org")
    state, results, _ = dkim.arc_verify(message, dnsfunc=look_up)
    assert (state, [result["instance"] for result in results]) == (b"pass", [3, 2, 1])
    assert (found_on(message).arc.result, found_on(message).instance) == ("pass", 3)


async def test_a_chain_that_is_broken_is_sealed_as_broken_and_ends() -> None:
    message = (await sealed(signed())).replace(b"some  text", b"more text")
    assert dkim.arc_verify(message, dnsfunc=look_up)[0] == b"fail"
    assert found_on(message).arc.result == "fail"

    ended = await sealed(message)
    assert b"ARC-Seal: i=2; a=rsa-sha256; cv=fail;" in ended
    state, results, reason = dkim.arc_verify(ended, dnsfunc=look_up)
    assert state is None
    assert reason == "ARC-Seal[2] reported failure, the chain is terminated"
    assert results[0]["ams-valid"]
    assert found_on(ended).arc.result == "fail"
    with pytest.raises(CannotSeal, match="ended"):
        await sealed(ended)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"ARC-Seal: i=1;", b"X: i=1;"),
        (b"ARC-Seal: i=1;", b"ARC-Seal: i=2;"),
        (b"cv=none", b"cv=pass"),
        (b"cv=none", b"cv=odd"),
        (b"ARC-Authentication-Results: i=1;", b"ARC-Authentication-Results: i=0;"),
        (b"dkim=pass", b"dkim=fail"),
        (b"ARC-Seal: i=1; a=rsa-sha256;", b"ARC-Seal: i=1; h=from; a=rsa-sha256;"),
        (b"ARC-Message-Signature: i=1;", b"ARC-Message-Signature: i=1; h=arc-seal;"),
        (b"d=example.com", b"d=example.net"),
    ],
)
async def test_a_chain_that_was_touched_does_not_hold(old: bytes, new: bytes) -> None:
    message = await sealed(signed())
    assert old in message
    assert found_on(message.replace(old, new)).arc.result == "fail"


async def test_a_chain_may_be_fifty_sets_long() -> None:
    message = signed()
    for _ in range(50):
        message = await sealed(message)
    assert (found_on(message).arc.result, found_on(message).instance) == ("pass", 50)
    assert len(verify.names(message)) == 3
    with pytest.raises(CannotSeal, match="50"):
        await sealed(message)


async def test_what_is_not_known_is_not_sealed() -> None:
    with pytest.raises(CannotSeal, match="could not be found out"):
        await Sealer("mx", KEY, None).seal(Spool.of(MESSAGE), noticed(MESSAGE), Authentication.unknown("DNS is down"))
    with pytest.raises(CannotSeal, match="longer than"):
        await Sealer("mx", None, KEY).seal(Spool.of(b"X: " + b"x" * 300_000), NOTHING, None)


@pytest.mark.parametrize("key", [KEY, ED25519])
async def test_a_dkim_signature_of_ours_holds(key: SigningKey) -> None:
    spool = Spool.of(MESSAGE)
    edits = noticed(MESSAGE)
    message = await Sealer("mx", None, key).seal(spool, edits, None) + b"".join(spool.chunks(edits))
    found = found_on(message)
    assert [(item.result, item.domain, item.reason) for item in found.dkim] == [("pass", "example.com", "")]
    assert found_on(b"From: eve@evil.test\r\n" + message).dkim_result == "fail"
    if key is KEY:
        assert dkim.verify(message, dnsfunc=look_up)


async def test_a_large_message_is_sealed_in_pieces() -> None:
    message = signed() + b"line of text \t\r\n" * 200_000
    start = message.index(b"\r\n\r\n") + 10
    changed = await sealed(message, edits=Edits((Splice(Span(start, 1_000_000), b"gone\r\n\r\n"),)))
    assert dkim.arc_verify(changed, dnsfunc=look_up)[0] == b"pass"


@given(st.binary(max_size=200))
def test_whatever_the_message_it_is_sealed_or_refused(tail: bytes) -> None:
    message = MESSAGE[:100] + tail + MESSAGE[100:]
    sealer = Sealer("mx", KEY, KEY)
    unverified = Authentication(arc=Checked(AuthResult.NONE))
    try:
        lines = sealer._seal(Spool.of(message), Edits(), unverified)
    except CannotSeal:
        return
    assert all(line.isascii() for line in lines.splitlines())
    assert found_on(lines + message).dkim[0].result in {"pass", "fail"}
