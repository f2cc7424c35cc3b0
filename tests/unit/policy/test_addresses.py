"""The same mailbox is the same address however it is spelled."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.policy.addresses import AddressSet, split


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("Bob@Example.COM", ("bob", "example.com")),
        ("bob@example.com.", ("bob", "example.com")),
        ('"bob"@example.com', ("bob", "example.com")),
        ('"b\\ob"@example.com', ("bob", "example.com")),
        ('"a@b"@example.com', ("a@b", "example.com")),
        ("@relay.test,@two.test:bob@example.com", ("bob", "example.com")),
        ("bob@münchen.test", ("bob", "xn--mnchen-3ya.test")),
        ("postmaster", ("postmaster", "")),
        ("", ("", "")),
        ("bob@\udcff", ("bob", "\udcff")),
    ],
)
def test_split(address: str, expected: tuple[str, str]) -> None:
    assert split(address) == expected


@settings(max_examples=200)
@given(st.text(max_size=60), st.text(max_size=30))
def test_any_address_can_be_asked_for(address: str, entry: str) -> None:
    split(address)
    try:
        known = AddressSet.of([entry])
    except ValueError:
        return
    assert (address in known) in (True, False)


@settings(max_examples=100)
@given(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.from_regex(r"[a-z]{1,8}\.[a-z]{2,5}", fullmatch=True))
def test_spellings_of_one_mailbox(local: str, domain: str) -> None:
    known = AddressSet.of([f"{local}@{domain}"])
    for spelling in (f"{local.upper()}@{domain}.", f'"{local}"@{domain.title()}', f"@x.test:{local}@{domain}"):
        assert spelling in known
    assert f"x{local}@{domain}" not in known
    assert f"{local}@x{domain}" not in known
