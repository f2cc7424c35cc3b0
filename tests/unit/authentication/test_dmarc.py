"""DMARC: alignment, the place of the policy, and records nobody should publish (RFC 7489)."""

from collections.abc import Mapping

import pytest

from gateway.authentication import dmarc
from gateway.authentication.publickey import Unverified
from gateway.closed_sets import AuthResult
from gateway.message import Checked, Signed

REJECT = "v=DMARC1; p=reject"


def ask(known: Mapping[str, str | list[str]]) -> dmarc.Ask:
    def answer(name: str) -> list[str]:
        said = known.get(name, [])
        if said == "down":
            raise Unverified(AuthResult.TEMPERROR, "DNS is down")
        return [said] if isinstance(said, str) else said

    return answer


def judged(domain: str, known: Mapping[str, str | list[str]], dkim: str = "", spf: str = "") -> tuple[str, str]:
    signed = [Signed(AuthResult.PASS, dkim)] if dkim else [Signed(AuthResult.FAIL, domain)]
    sent = Checked(AuthResult.PASS, spf) if spf else Checked()
    checked, policy = dmarc.check(domain, signed, sent, ask(known))
    return checked.result, policy


@pytest.mark.parametrize(
    ("record", "dkim", "spf", "result"),
    [
        (REJECT, "example.co.uk", "", "pass"),
        (REJECT, "mail.example.co.uk", "", "pass"),
        (REJECT, "", "bounces.example.co.uk", "pass"),
        (REJECT, "other.co.uk", "", "fail"),
        (REJECT, "co.uk", "", "fail"),
        (REJECT, "", "", "fail"),
        (f"{REJECT}; adkim=s", "mail.example.co.uk", "", "fail"),
        (f"{REJECT}; adkim=s", "example.co.uk", "", "pass"),
        (f"{REJECT}; aspf=s", "", "mail.example.co.uk", "fail"),
        (f"{REJECT}; aspf=r", "", "mail.example.co.uk", "pass"),
    ],
)
def test_alignment(record: str, dkim: str, spf: str, result: str) -> None:
    assert judged("example.co.uk", {"_dmarc.example.co.uk": record}, dkim, spf) == (result, "reject")


def test_the_policy_of_the_organisation_holds_below_it() -> None:
    known = {"_dmarc.example.com": "v=DMARC1; p=reject; sp=quarantine"}
    assert judged("deep.mail.example.com", known) == ("fail", "quarantine")
    assert judged("example.com", known) == ("fail", "reject")
    assert judged("mail.example.com", known | {"_dmarc.mail.example.com": "v=DMARC1; p=none"}) == ("fail", "none")
    assert dmarc.names("deep.mail.example.com") == ["_dmarc.deep.mail.example.com", "_dmarc.example.com"]
    assert dmarc.names("example.com") == ["_dmarc.example.com"]


@pytest.mark.parametrize(
    ("said", "result", "policy"),
    [
        ([], "none", ""),
        (["v=spf1 -all", REJECT], "fail", "reject"),
        ([REJECT, REJECT], "none", ""),
        (["v=DMARC1"], "permerror", ""),
        (["v=DMARC1; p=odd"], "permerror", ""),
        (["v=DMARC1; p=odd; rua=mailto:a@b"], "fail", "none"),
        (["v=DMARC1; p=reject; p=none"], "permerror", ""),
        ("down", "temperror", ""),
    ],
)
def test_records(said: str | list[str], result: str, policy: str) -> None:
    assert judged("example.com", {"_dmarc.example.com": said}) == (result, policy)


def test_what_is_not_known_yet_is_no_failure() -> None:
    checked, policy = dmarc.check(
        "example.com", [Signed(AuthResult.TEMPERROR, "example.com")], Checked(), ask({"_dmarc.example.com": REJECT})
    )
    assert (checked.result, policy) == ("temperror", "reject")
