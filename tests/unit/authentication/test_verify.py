"""Who answers for a message: signatures made by dkimpy are verified, and everything wrong with them has its word."""

import time

import dkim
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.authentication import verify
from gateway.closed_sets import AuthResult
from gateway.message import Answer, Authentication, Signed
from tests.makers import signed as made
from tests.makers.signed import MESSAGE, ed25519_key, record, rsa_key, sign, signed, zone


def checked(message: bytes, known: dict[str, str] | None = None, *, trusted: tuple[str, ...] = ()) -> Authentication:
    answers = made.answers(verify.names(message), zone() if known is None else known)
    return verify.verify(message, answers, trusted, time.time())


def one(message: bytes, known: dict[str, str] | None = None) -> Signed:
    (found,) = checked(message, known).dkim
    return found


FORMS = (b"simple", b"relaxed")


@pytest.mark.parametrize("form", [(header, body) for header in FORMS for body in FORMS])
def test_a_signature_of_dkimpy_holds(form: tuple[bytes, bytes]) -> None:
    message = signed(canonicalize=form)
    found = checked(message)
    assert (found.dkim[0].result, found.dkim[0].domain, found.dkim[0].selector) == ("pass", "outside.test", "s1")
    assert found.dmarc.result == "pass"
    assert dkim.verify(message, dnsfunc=lambda *_, **__: record(rsa_key()).encode())


@pytest.mark.parametrize("form", [(header, body) for header in FORMS for body in FORMS])
@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b"some  text.", b"other text.", "the body was changed"),
        (b"bob@example.com", b"eve@example.com", "the header was changed"),
        (b"Date: Tue", b"Date: Wed", "the header was changed"),
        (b"\r\n\r\nHello", b"\r\n\r\n\r\nHello", "the body was changed"),
        (b"From: Anna", b"From: eve@evil.test\r\nFrom: Anna", "the header was changed"),
    ],
)
def test_a_change_is_seen(form: tuple[bytes, bytes], old: bytes, new: bytes, why: str) -> None:
    found = one(signed(canonicalize=form).replace(old, new))
    assert (found.result, found.reason) == ("fail", why)


def test_white_space_changes_matter_to_simple_only() -> None:
    for form, result in (((b"relaxed", b"relaxed"), "pass"), ((b"simple", b"simple"), "fail")):
        assert one(signed(canonicalize=form).replace(b"some  text. \r\n", b"some text.\r\n")).result == result


def test_ed25519() -> None:
    message = sign(key=ed25519_key(), s="ed")
    assert one(message).result == "pass"
    assert one(message.replace(b"some", b"more")).result == "fail"
    assert one(message, zone(ed___domainkey__outside__test=record(rsa_key()))).result == "permerror"


def test_our_own_signatures_are_what_dkimpy_takes() -> None:
    assert dkim.verify(sign(), dnsfunc=lambda *_, **__: record(rsa_key()).encode())


def test_every_signature_is_verified() -> None:
    message = signed(signed(domain="list.test", selector="l"), domain="outside.test")
    found = checked(message, zone(l___domainkey__list__test=record(rsa_key())))
    assert [(item.domain, item.result) for item in found.dkim] == [("outside.test", "pass"), ("list.test", "pass")]
    found = checked(message)
    assert [item.result for item in found.dkim] == ["pass", "permerror"]
    assert found.dkim_result == "pass"


def test_only_so_many_signatures_are_looked_at() -> None:
    message = b"".join(b"DKIM-Signature: v=1; d=%d.test\r\n" % number for number in range(50)) + MESSAGE
    assert len(checked(message).dkim) == verify.MAX_SIGNATURES


LONG_NAME = "d= and s= together are too long for a domain name"


@pytest.mark.parametrize(
    ("tags", "result", "why"),
    [
        ({"x": str(int(time.time()) - 4000)}, "fail", "it has expired"),
        ({"x": str(int(time.time()) + 4000)}, "pass", ""),
        ({"t": "2000000000", "x": "1999999999"}, "permerror", "it expires before it was made"),
        ({"a": "rsa-sha1"}, "policy", "it uses SHA-1, which can be forged"),
        ({"a": "rsa-md5"}, "permerror", "a= is unknown"),
        ({"v": "2"}, "permerror", "v= is not 1"),
        ({"c": "fancy"}, "permerror", "c= is unknown"),
        ({"l": "0"}, "policy", "only 0 of 26 bytes of the body are signed"),
        ({"l": "26"}, "pass", ""),
        ({"l": "27"}, "permerror", "l= is larger than the body"),
        ({"l": "-1"}, "permerror", "l= is not a number"),
        ({"i": "anna@sub.outside.test"}, "pass", ""),
        ({"i": "anna@notoutside.test"}, "permerror", "i= is not below d="),
        ({"q": "dns/other"}, "permerror", "q= is not dns/txt"),
        ({"d": "out side..test"}, "permerror", "d= is no domain name"),
        ({"bh": "????"}, "permerror", "bh= is not base64"),
        ({"h": "to:subject"}, "permerror", "From is not signed"),
        ({"h": "from:" * 501}, "permerror", "h= has more than 500 names"),
        (
            {"s": "x" * 63, "d": ".".join(["y" * 60] * 4)},
            "permerror",
            "d= and s= together are too long for a domain name",
        ),
    ],
)
def test_tags(tags: dict[str, str], result: str, why: str) -> None:
    names = ("from",) if "h" in tags else ("from", "to", "subject", "date")
    form = {"c": "relaxed/relaxed"} if tags.get("c") != "fancy" else {}
    message = sign(names=names, **(form | tags)) if form else sign().replace(b"c=relaxed/relaxed", b"c=fancy")
    if "l" in tags and not tags["l"].isdigit():
        message = sign().replace(b"; b=", b"; l=-1; b=")
    found = one(message)
    assert (found.result, found.reason) == (result, why)


@pytest.mark.parametrize(
    ("text", "result", "why"),
    [
        ("v=DKIM1; p=", "permerror", "the key has been revoked"),
        ("v=DKIM1; k=rsa", "permerror", "no key is published for this signature"),
        ("v=DKIM2; p=AAAA", "permerror", "the published key is of an unknown version"),
        ("k=dsa; p=AAAA", "permerror", "the published key is of an unknown kind"),
        ("p=AAAA", "permerror", "the published key is no RSA key"),
        ("k=ed25519; p=AAAA", "permerror", "the published key is no Ed25519 key"),
        ("p=!!", "permerror", "the published key cannot be read: p= is not base64"),
        ("p=AAAA; p=BBBB", "permerror", "the published key cannot be read: it is no list of tags, or names one twice"),
        (record(ed25519_key()), "permerror", "the published key is for another algorithm"),
        (record(rsa_key(), "h=sha1; "), "permerror", "the published key is not for SHA-256"),
        (record(rsa_key(), "s=tlsrpt; "), "permerror", "the published key is not for mail"),
        (record(rsa_key(), "s=*; t=y:s; h=sha1:sha256; n=hi; "), "pass", ""),
        (record(rsa_key()).replace("v=DKIM1; k=rsa; ", ""), "pass", ""),
    ],
    ids=lambda value: value.partition("p=")[0],  # keys are others in every process
)
def test_keys(text: str, result: str, why: str) -> None:
    found = one(signed(), zone() | {"s1._domainkey.outside.test": text})
    assert (found.result, found.reason) == (result, why)


SHORT = (
    "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBALRiMLAHudeSA/x3hB2f+2NRkJLA7pZE"
    "mbg14dkWyZ8K0yCr3X0F0JLyZm0cLyJyJh6OEJvhoV8DNlGEUmCjGAsCAwEAAQ=="
)
"""512 bits."""


def test_a_short_key_never_counts() -> None:
    found = one(signed(), zone(s1___domainkey__outside__test=f"v=DKIM1; p={SHORT}"))
    assert (found.result, found.reason) == ("policy", "the key has only 512 bits")


def test_a_bare_rsa_key_is_taken_too() -> None:
    from cryptography.hazmat.primitives import serialization

    raw = rsa_key().public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
    import base64

    assert one(signed(), zone(s1___domainkey__outside__test=f"p={base64.b64encode(raw).decode()}")).result == "pass"


def test_a_key_that_is_strict_signs_for_its_domain_only() -> None:
    known = zone(s1___domainkey__outside__test=record(rsa_key(), "t=s; "))
    assert one(sign(), known).result == "pass"
    assert one(sign(i="@sub.outside.test"), known).result == "permerror"


@pytest.mark.parametrize("result", [AuthResult.TEMPERROR, AuthResult.PERMERROR])
def test_dns_that_fails_is_told(result: AuthResult) -> None:
    message = signed()
    answers = tuple(Answer(name, result, reason="so it is") for name in verify.names(message))
    found = verify.verify(message, answers, (), time.time())
    assert (found.dkim_result, found.dmarc.result) == (result, result)
    assert verify.verify(message, (), (), time.time()).dkim_result == "temperror"


def test_without_a_signature_there_is_none() -> None:
    found = checked(MESSAGE)
    assert (found.dkim_result, found.arc.result, found.spf.result, found.dmarc.result) == (
        "none",
        "none",
        "none",
        "fail",
    )
    assert found.dmarc_policy == "reject"


def test_what_has_to_be_asked() -> None:
    assert verify.names(signed(domain="mail.outside.test")) == (
        "s1._domainkey.mail.outside.test",
        "_dmarc.outside.test",
    )


def test_a_header_without_end_is_a_permanent_error() -> None:
    message = b"X: " + b"x" * 300_000
    assert verify.names(message) == ()
    assert checked(message).dkim_result == "permerror"
    assert checked(b"X: y\r\n" * 3000 + b"\r\n").dkim_result == "permerror"


PIECES = (
    *(b"DKIM-Signature:", b"ARC-Seal: i=1;", b"ARC-Message-Signature: i=1;", b"ARC-Authentication-Results: i=1;"),
    *(b"From: ", b"a@outside.test", b"<", b">", b"(", b'"', b"\\", b",", b"\r\n", b"\r\n ", b"\r\n\r\n", b" ", b"\t"),
    *(b" v=1;", b" a=rsa-sha256;", b" b=AAAA;", b" bh=AAAA;", b" d=outside.test;", b" s=s1;", b" h=from:to;"),
    *(b"\0", b"\xff", b"=", b";", b"i=2;", b"cv=none;", b"Authentication-Results: mx;", b"spf=pass smtp.mailfrom=a@b;"),
    *(b"\n", b"\r", b"Received-SPF: pass receiver=mx", b"\xc3\xa4"),
)
LINES = st.lists(st.sampled_from(PIECES) | st.binary(max_size=5)).map(b"".join)


@given(LINES)
def test_whatever_the_bytes_there_is_an_answer(message: bytes) -> None:
    found = checked(message, trusted=("mx",))
    assert isinstance(found, Authentication)
    assert all(name.isascii() for name in verify.names(message))
