"""Sign-in by a provider of OpenID Connect: who gets in, and everything that is no proof of anybody."""

from __future__ import annotations

import asyncio
import base64
import html
import json
import re
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import trustme
from joserfc import jwk
from starlette.applications import Starlette
from starlette.testclient import TestClient

from gateway.web import sessions
from gateway.web.front import Front
from gateway.web.oidc import Terms, fetching, tickets
from gateway.web.oidc.client import Client
from gateway.web.oidc.pages import COOKIE as TICKET
from gateway.web.oidc.pages import REFUSALS
from gateway.web.oidc.provider import Provider
from gateway.web.people import Role
from gateway.web.site import routes
from gateway.web.users import Users
from gateway.web.visits import COOKIE
from tests.stubs.provider import CLIENT, HOME, KEYS, SECRET, FakeProvider, provider, signed
from tests.unit.web.test_site import ID, PASSWORD, StubDesk, desk, form_token, people, release, sign_in

__all__ = ["desk", "people"]
DISCOVERY = "/.well-known/openid-configuration"
ROLES = {"watchers": Role.VIEWER, "desk": Role.RELEASER, "chiefs": Role.ADMIN}


class Log:
    """What the log was told."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, ...]] = []

    def signed_in(self, who: str, account: str, role: str, client: str) -> None:
        self.lines.append(("in", who, account, role, client))

    def sign_in_refused(self, issuer: str, client: str, why: str) -> None:
        self.lines.append(("refused", issuer, client, why))

    def provider_failed(self, issuer: str, why: str) -> None:
        self.lines.append(("failed", issuer, why))


class Site:
    """The pages of one gateway, and its clock."""

    def __init__(self, fake: FakeProvider, desk: StubDesk, users: Users, secret: Path, **terms: Any) -> None:
        self.fake = fake
        self.desk = desk
        self.log = Log()
        self.now = 1000.0
        agreed: dict[str, Any] = {"issuer": fake.issuer, "client_id": CLIENT, "secret": secret, "home": HOME}
        self.terms = Terms(**(agreed | {"roles": ROLES} | terms))
        clock = lambda: self.now  # noqa: E731 - one clock for both
        self.client = Client(self.terms, Provider(self.terms, clock=clock), tickets.Tickets(clock))
        self.application = Starlette(routes=routes(desk, users, public_url=HOME, oidc=(self.client, self.log)))

    def browser(self) -> TestClient:
        return TestClient(self.application, base_url=HOME, follow_redirects=False)

    def leave(self, browser: TestClient, path: str = "/sign-in/oidc") -> str:
        """To the provider and back: the address the browser comes back to."""
        answer = browser.get(path)
        assert answer.status_code == 303, answer.text
        return self.fake.agree(answer.headers["location"])

    def enter(self, browser: TestClient, path: str = "/sign-in/oidc") -> Any:
        return browser.get(self.leave(browser, path))

    def why(self) -> str:
        """The last refusal in the log."""
        kind, *_, why = self.log.lines[-1]
        assert kind == "refused", self.log.lines
        return why


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with provider() as running:
        yield running


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "oidc.secret"
    path.write_text(SECRET + "\n")
    return path


@pytest.fixture
def site(fake: FakeProvider, desk: StubDesk, people: Users, secret: Path) -> Site:
    return Site(fake, desk, people, secret)


def is_out(browser: TestClient) -> bool:
    return browser.get("/").status_code == 303


# --- who gets in ---


def test_somebody_signs_in_and_has_the_role_of_the_group(site: Site, desk: StubDesk) -> None:
    browser = site.browser()
    answer = site.enter(browser)
    assert (answer.status_code, "You are ann." in answer.text) == (200, True)
    assert '<span title="releaser">ann</span>' in browser.get("/").text
    assert release(browser).status_code == 200
    assert desk.done == [("release", ID, "ann (oidc s-1)", "expected", ("alice@example.com",))]
    account = f"{site.fake.issuer}#s-1"
    assert site.log.lines == [("in", "ann (oidc s-1)", account, "releaser", "testclient")]


def test_the_question_has_everything_that_binds_the_answer(site: Site) -> None:
    browser = site.browser()
    site.leave(browser)
    asked = site.fake.question
    assert {name: asked[name] for name in ("response_type", "client_id", "redirect_uri", "scope")} == {
        "response_type": "code",
        "client_id": CLIENT,
        "redirect_uri": f"{HOME}/sign-in/oidc/callback",
        "scope": "openid profile email",
    }
    assert asked["code_challenge_method"] == "S256"
    unguessable = {asked["state"], asked["nonce"], asked["code_challenge"]}
    assert len(unguessable) == 3
    assert min(map(len, unguessable)) == 43
    site.leave(browser)
    assert unguessable.isdisjoint(site.fake.question.values())
    assert "prompt" not in asked
    site.leave(browser, "/sign-in/oidc?other")
    assert site.fake.question["prompt"] == "login"


def test_both_cookies_are_for_this_host_over_tls_and_no_script(site: Site) -> None:
    browser = site.browser()
    begun = browser.get("/sign-in/oidc")
    ticket = begun.headers["set-cookie"].lower()
    assert ticket.startswith(f"__host-{TICKET}=")
    assert all(word in ticket for word in ("httponly", "samesite=lax", "secure", "path=/", "max-age=600"))
    answer = browser.get(site.fake.agree(begun.headers["location"]))
    words = [word.lower() for word in answer.headers.get_list("set-cookie")]
    session = next(word for word in words if word.startswith(f"__host-{COOKIE}="))
    assert all(word in session for word in ("httponly", "samesite=strict", "secure", "path=/"))
    assert next(word for word in words if word.startswith(f"__host-{TICKET}=")).startswith(f'__host-{TICKET}="";')


def test_the_session_begins_anew_at_each_sign_in(site: Site) -> None:
    browser = site.browser()
    name = f"__Host-{COOKIE}"
    browser.cookies.set(name, "planted", domain="gate.test", path="/")
    site.enter(browser)
    first = browser.cookies[name]
    assert first != "planted"
    site.enter(browser)
    assert browser.cookies[name] != first
    other = site.browser()
    other.cookies.set(name, first, domain="gate.test", path="/")
    assert is_out(other)


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        (["watchers"], "viewer"),
        (["watchers", "chiefs", "desk"], "admin"),
        ("desk", "releaser"),
        (["x", "desk"], "releaser"),
    ],
)
def test_the_highest_role_of_all_groups_counts(site: Site, groups: Any, role: str) -> None:
    site.fake.claims["groups"] = groups
    browser = site.browser()
    site.enter(browser)
    assert f'<span title="{role}">ann</span>' in browser.get("/").text


def test_the_role_is_read_anew_at_each_sign_in(site: Site) -> None:
    browser = site.browser()
    site.enter(browser)
    site.fake.claims["groups"] = ["watchers"]
    site.enter(browser)
    assert '<span title="viewer">ann</span>' in browser.get("/").text
    site.fake.claims["groups"] = []
    assert site.enter(browser).status_code == 403


@pytest.mark.parametrize(
    ("claims", "path"),
    [
        ({"realm_access": {"roles": ["desk"]}}, "realm_access.roles"),
        ({"https://example.com/roles": ["desk"]}, "https://example.com/roles"),
        ({"a.b": "desk", "a": {"b": "chiefs"}}, "a.b"),
    ],
)
def test_a_claim_may_lie_deep_or_have_dots(
    fake: FakeProvider, desk: StubDesk, people: Users, secret: Path, claims: dict[str, Any], path: str
) -> None:
    fake.claims |= claims
    site = Site(fake, desk, people, secret, role_claim=path)
    browser = site.browser()
    site.enter(browser)
    assert '<span title="releaser">ann</span>' in browser.get("/").text


@pytest.mark.parametrize(
    "groups", [None, [], ["Desk"], ["desk "], "desk,chiefs", {"desk": True}, [["desk"]], [1], 7, True]
)
def test_without_a_role_nobody_gets_in_and_is_told_what_helps(site: Site, groups: Any) -> None:
    site.fake.claims["groups"] = groups
    browser = site.browser()
    answer = site.enter(browser)
    assert (answer.status_code, "Who looks after Macrogate can give one a role" in answer.text) == (403, True)
    assert COOKIE not in str(answer.headers.get_list("set-cookie"))
    assert is_out(browser)
    assert "ann" in site.why()


def test_too_many_groups_for_a_token_are_told_apart(site: Site) -> None:
    site.fake.claims |= {"groups": None, "_claim_names": {"groups": "src1"}}
    assert "more groups than it can name" in site.enter(site.browser()).text


def test_a_short_id_token_is_completed_by_userinfo(site: Site) -> None:
    site.fake.claims |= {"groups": None, "preferred_username": None}
    site.fake.userinfo = {"sub": "s-1", "groups": ["desk"], "preferred_username": "bea", "iss": "x"}
    browser = site.browser()
    site.enter(browser)
    assert '<span title="releaser">bea</span>' in browser.get("/").text


def test_userinfo_of_another_person_is_refused(site: Site) -> None:
    site.fake.claims["groups"] = None
    site.fake.userinfo = {"sub": "s-2", "groups": ["chiefs"]}
    answer = site.enter(site.browser())
    assert (answer.status_code, "two different people" in answer.text) == (403, True)


def test_what_the_id_token_says_is_not_overruled(site: Site) -> None:
    site.fake.claims |= {"groups": ["watchers"], "preferred_username": None}
    site.fake.userinfo = {"sub": "s-1", "groups": ["chiefs"], "preferred_username": "ann"}
    browser = site.browser()
    site.enter(browser)
    assert '<span title="viewer">ann</span>' in browser.get("/").text


# --- who it is ---


def test_a_person_of_the_provider_is_no_local_user_of_the_same_name(site: Site) -> None:
    person = _person(site)
    assert (person.name, person.account) == ("ann", f"{site.fake.issuer}#s-1")
    assert person.who == "ann (oidc s-1)"


def _person(site: Site) -> Any:
    browser = site.browser()
    back = urlsplit(site.leave(browser))
    cookie = browser.cookies[f"__Host-{TICKET}"]

    async def finish() -> Any:
        return await site.client.finish(dict(parse_qsl(back.query)), cookie)

    return asyncio.run(finish()).person


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("ann (web)", "ann _web_"),
        ("\u202eann", "_ann"),
        ("ann\n(web)", "ann__web_"),
        ("<b>ann</b>", "_b_ann__b_"),
        ("Ann O'Neill-Müller 2", "Ann O'Neill-Müller 2"),
        ("山田", "山田"),
        ("", "s-1"),
        (None, "s-1"),
        (["ann"], "s-1"),
        ("  ", "s-1"),
        ("x" * 500, "x" * 64),
    ],
)
def test_a_name_is_only_what_to_call_somebody(site: Site, name: Any, shown: str) -> None:
    site.fake.claims["preferred_username"] = name
    assert _person(site).name == shown


def test_what_the_journal_calls_somebody_fits_and_tells_the_subject(site: Site) -> None:
    site.fake.claims |= {"preferred_username": "x" * 64, "sub": "y" * 36}
    who = _person(site).who
    assert who.endswith(f"… (oidc {'y' * 36})")
    assert len(who) <= 100


# --- what proves nothing ---


def alg_none(token: str) -> str:
    header, body, _ = token.split(".")
    told = json.loads(base64.urlsafe_b64decode(header + "=="))
    return f"{_b64(json.dumps(told | {'alg': 'none'}))}.{body}."


def hs256_with_the_public_key(token: str) -> str:
    body = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    key = jwk.OctKey.import_key(base64.b64encode(KEYS["first"].as_pem(private=False)).decode())
    return signed({"alg": "HS256", "kid": "first"}, body, key)


def other_body(token: str) -> str:
    header, body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    return f"{header}.{_b64(json.dumps(claims | {'groups': ['chiefs']}))}.{signature}"


def _b64(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


HOUR = 3600


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"nonce": "another"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"nonce": ["x"]}, "nonce"),
        ({"aud": "somebody-else"}, "aud"),
        ({"aud": None}, "aud"),
        ({"aud": []}, "aud"),
        ({"aud": [CLIENT, "somebody-else"]}, "azp"),
        ({"aud": [CLIENT, "somebody-else"], "azp": "somebody-else"}, "azp"),
        ({"azp": "somebody-else"}, "azp"),
        ({"iss": "https://evil.test"}, "iss"),
        ({"iss": None}, "iss"),
        ({"exp": time.time() - HOUR}, "expired"),
        ({"exp": None}, "exp"),
        ({"exp": "later"}, "exp"),
        ({"exp": True}, "exp"),
        ({"iat": None}, "iat"),
        ({"iat": time.time() + HOUR}, "in the future"),
        ({"iat": time.time() - HOUR}, "too long ago"),
        ({"nbf": time.time() + HOUR}, "not yet valid"),
        ({"sub": None}, "sub"),
        ({"sub": ""}, "subject"),
        ({"sub": 7}, "sub"),
        ({"sub": "x" * 256}, "subject"),
        ({"sub": "a\nb"}, "subject"),
        ({"sub": "é"}, "subject"),
        ({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, "at_hash"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),  # the same in every process
)
def test_a_claim_that_is_wrong_lets_nobody_in(site: Site, claims: dict[str, Any], why: str) -> None:
    site.fake.claims |= claims
    browser = site.browser()
    answer = site.enter(browser)
    assert (answer.status_code, "cannot be verified" in answer.text) == (403, True)
    assert why in site.why()
    assert is_out(browser)


def test_azp_of_ours_allows_further_audiences(site: Site) -> None:
    site.fake.claims |= {"aud": [CLIENT, "another"], "azp": CLIENT}
    assert site.enter(site.browser()).status_code == 200


@pytest.mark.parametrize(
    ("forge", "why"),
    [
        (alg_none, "'none'"),
        (lambda token: alg_none(token) + "x", "'none'"),
        (hs256_with_the_public_key, "'HS256'"),
        (other_body, "signature"),
        (lambda token: token[:-4] + "AAAA", "signature"),
        (lambda token: token + ".x", "no signed token"),
        (lambda _: "x", "no signed token"),
        (lambda _: "", "no signed token"),
        (lambda _: "a.b.c", "no header"),
        (lambda token: f"{_b64('[]')}.{token.partition('.')[2]}", "no header"),
        (lambda token: f"{_b64('{}')}.{token.partition('.')[2]}", "not accepted"),
        (lambda token: "é" + token, "no signed token"),
        (lambda token: token + "A" * (64 << 10), "no signed token"),
    ],
)
def test_a_token_that_is_not_signed_by_the_provider_lets_nobody_in(site: Site, forge: Any, why: str) -> None:
    site.fake.token = forge
    browser = site.browser()
    assert site.enter(browser).status_code == 403
    assert why in site.why()
    assert is_out(browser)


def test_the_key_of_somebody_else_under_a_known_name_is_refused(site: Site) -> None:
    site.fake.signs_with = jwk.RSAKey.generate_key(2048, {"kid": "first"})
    assert site.enter(site.browser()).status_code == 403
    assert "signature" in site.why()


def test_a_key_in_the_token_itself_is_no_key_of_the_provider(site: Site) -> None:
    own = jwk.RSAKey.generate_key(2048, {"kid": "first"})
    site.fake.signs_with = own
    site.fake.header["jwk"] = own.as_dict(private=False)
    assert site.enter(site.browser()).status_code == 403


def test_a_weak_key_is_refused(site: Site) -> None:
    with pytest.warns(match="2048"):
        site.fake.signs_with = jwk.RSAKey.generate_key(1024, {"kid": "weak"})
    site.fake.published = [site.fake.signs_with.as_dict(private=False)]
    assert site.enter(site.browser()).status_code == 403
    assert "too short" in site.why()


def test_elliptic_curves_are_fine(site: Site) -> None:
    site.fake.signs_with = jwk.ECKey.generate_key("P-256", {"kid": "curve"})
    site.fake.header["alg"] = "ES256"
    site.fake.published = [site.fake.signs_with.as_dict(private=False)]
    assert site.enter(site.browser()).status_code == 200


# --- keys ---


def test_a_new_key_is_fetched_when_it_is_used(site: Site) -> None:
    assert site.enter(site.browser()).status_code == 200
    site.fake.signs_with = KEYS["second"]
    site.fake.published = [KEYS[name].as_dict(private=False) for name in ("first", "second")]
    site.now += 31
    assert site.enter(site.browser()).status_code == 200
    assert site.fake.asked.count("/keys") == 2
    assert site.enter(site.browser()).status_code == 200
    assert (site.fake.asked.count("/keys"), site.fake.asked.count(DISCOVERY)) == (2, 1)


def test_a_key_that_is_not_published_is_refused_and_looked_for_only_now_and_then(site: Site) -> None:
    site.fake.signs_with = KEYS["second"]
    for _ in range(3):
        assert site.enter(site.browser()).status_code == 403
        assert "does not publish" in site.why()
    assert site.fake.asked.count("/keys") == 1
    site.now += 31
    assert site.enter(site.browser()).status_code == 403
    assert site.fake.asked.count("/keys") == 2


@pytest.mark.parametrize(
    "change", [{"use": "enc"}, {"alg": "RS512"}, {"kty": "EC"}, {"kid": "x"}, {"n": 7}, {"e": "!"}]
)
def test_a_key_for_something_else_is_none(site: Site, change: dict[str, Any]) -> None:
    site.fake.published = [site.fake.published[0] | change, 7, "x", None]
    assert site.enter(site.browser()).status_code == 403


# --- the answer of another question ---


def test_a_state_counts_once(site: Site) -> None:
    browser = site.browser()
    back = site.leave(browser)
    ticket = browser.cookies[f"__Host-{TICKET}"]
    assert browser.get(back).status_code == 200
    again = site.browser()
    again.cookies.set(f"__Host-{TICKET}", ticket, domain="gate.test", path="/")
    answer = again.get(back)
    assert (answer.status_code, "was used already" in answer.text) == (403, True)
    assert is_out(again)
    assert site.fake.asked.count("/token") == 1


def test_a_state_of_another_browser_is_refused(site: Site) -> None:
    mallory, victim = site.browser(), site.browser()
    back = site.leave(mallory)
    assert "has not begun this sign-in" in victim.get(back).text
    site.leave(victim)
    answer = victim.get(back)
    assert (answer.status_code, "another sign-in" in answer.text) == (403, True)
    assert is_out(victim)
    assert "/token" not in site.fake.asked


def test_a_ticket_is_for_ten_minutes_of_this_process(
    site: Site, fake: FakeProvider, desk: StubDesk, people: Users, secret: Path
) -> None:
    browser = site.browser()
    back = site.leave(browser)
    site.now += tickets.LASTS + 1
    assert "more than 10 minutes" in browser.get(back).text
    back = site.leave(browser)
    restarted = Site(fake, desk, people, secret).browser()
    restarted.cookies = browser.cookies
    assert "was restarted" in restarted.get(back).text


@pytest.mark.parametrize("ticket", ["", "x", "...", "a.b.c.d", "é.1.x.y", "." * 5000])
def test_a_ticket_we_did_not_make_is_none(site: Site, ticket: str) -> None:
    browser = site.browser()
    back = site.leave(browser)
    headers = {"Cookie": f"__Host-{TICKET}={ticket}".encode("latin-1")}
    browser.cookies.clear()
    assert browser.get(back, headers=headers).status_code == 403


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"iss": "https://evil.test"}, "RFC 9207"),
        ({"iss": ""}, "RFC 9207"),
        ({"state": "x"}, "another sign-in"),
        ({"state": ""}, "another sign-in"),
        ({"code": ""}, "no code"),
        ({"code": "x" * 5000}, "no code"),
        ({"code": "é"}, "no code"),
        ({"code": "code-99"}, "does not know the code"),
        ({"error": "access_denied"}, "it says access_denied"),
        ({"error": "<script>alert(1)</script>"}, "it says no"),
        ({"error": "login_required", "iss": "https://evil.test"}, "RFC 9207"),
    ],
)
def test_an_answer_that_is_not_what_it_should_be(site: Site, answer: dict[str, str], words: str) -> None:
    site.fake.answer = answer
    browser = site.browser()
    told = site.enter(browser)
    assert (told.status_code, words in told.text, "<script" in told.text) == (403, True, False)
    assert is_out(browser)


def test_a_provider_that_never_names_itself_needs_not(site: Site) -> None:
    site.fake.document["authorization_response_iss_parameter_supported"] = False
    site.fake.answer = {"iss": ""}
    assert site.enter(site.browser()).status_code == 200
    site.fake.answer = {"iss": "https://evil.test"}
    assert site.enter(site.browser()).status_code == 403


def test_refusals_are_bounded(site: Site) -> None:
    site.fake.claims["groups"] = []
    codes = [site.enter(site.browser()).status_code for _ in range(REFUSALS + 1)]
    assert codes == [403] * REFUSALS + [429]
    assert site.fake.asked.count("/token") == REFUSALS


# --- where to ---


@pytest.mark.parametrize(
    ("wanted", "shown"),
    [
        ("/quarantine?state=all&text=a", "/quarantine?state=all&text=a"),
        ("", "/"),
        ("https://evil.test/", "/"),
        ("//evil.test/", "/"),
        ("/\\evil.test", "/"),
        ("/\t/evil.test", "/"),
        ("javascript:alert(1)", "/"),
        ("/sign-out", "/"),
        ("/" + "x" * 2000, "/"),
        ("/a;url=https://evil.test", "/a;url=https://evil.test"),
        ('/"><script>', '/"><script>'),
    ],
)
def test_after_the_sign_in_one_is_where_one_wanted_to_be_on_this_site(site: Site, wanted: str, shown: str) -> None:
    browser = site.browser()
    answer = browser.get("/sign-in/oidc", params={"next": wanted})
    page = browser.get(site.fake.agree(answer.headers["location"])).text
    found = re.search(r'<meta http-equiv="refresh" content="0; url=([^"]*)">', page)
    assert found
    assert html.unescape(found[1]) == shown
    assert "<script>" not in page


def test_a_page_that_is_asked_for_is_remembered_on_the_way(site: Site) -> None:
    browser = site.browser()
    answer = browser.get("/quarantine?state=all")
    assert answer.headers["location"] == "/sign-in?next=%2Fquarantine%3Fstate%3Dall"
    page = browser.get(answer.headers["location"]).text
    link = re.search(r'href="(/sign-in/oidc\?[^"]*)"', page)
    assert link
    told = site.enter(browser, html.unescape(link[1])).text
    assert 'url=/quarantine?state=all"' in told
    done = browser.post("/sign-in", data={"name": "ann", "password": PASSWORD, "next": "/requests"})
    assert done.headers["location"] == "/requests"
    done = browser.post("/sign-in", data={"name": "ann", "password": PASSWORD, "next": "https://evil.test"})
    assert done.headers["location"] == "/"


def test_a_link_of_another_site_begins_nothing(site: Site) -> None:
    browser = site.browser()
    for where in ("cross-site", "same-site"):
        answer = browser.get("/sign-in/oidc", headers={"Sec-Fetch-Site": where})
        assert (answer.headers["location"], "set-cookie" in answer.headers) == ("/sign-in", False)


# --- the provider ---


def redirecting(request: Any) -> None:
    request.answer(302, b"", {"Location": "https://elsewhere.test/"})


def endless(request: Any) -> None:
    request.send_response(200)
    request.end_headers()
    with suppress(OSError):
        while True:
            request.wfile.write(b" " * (64 << 10))


def cut(request: Any) -> None:
    request.send_response(200)
    request.send_header("Content-Length", "100")
    request.end_headers()
    request.wfile.write(b"{")


def no_http(request: Any) -> None:
    request.wfile.write(b"SSH-2.0-x\r\n\r\n")


@pytest.mark.parametrize(
    ("instead", "words"),
    [
        (redirecting, "sends us elsewhere"),
        ((200, b" " * (300 << 10), {}), "more than 256 KB"),
        (endless, "more than 256 KB"),
        (cut, "does not speak HTTP"),
        (no_http, "does not speak HTTP"),
        ((200, b"[]", {}), "no JSON object"),
        ((200, b"[" * 100_000, {}), "no JSON object"),
        ((200, b"\xff", {}), "no JSON object"),
        ((404, b"{}", {}), "status 404"),
        ((500, b"<html>", {}), "status 500"),
    ],
)
@pytest.mark.parametrize("path", [DISCOVERY, "/keys"])
def test_a_provider_that_cannot_be_used_is_told_and_passwords_still_work(
    site: Site, path: str, instead: Any, words: str
) -> None:
    browser = site.browser()
    site.fake.instead[path] = instead
    begun = browser.get("/sign-in/oidc")
    answer = begun if path == DISCOVERY else browser.get(site.fake.agree(begun.headers["location"]))
    assert (answer.status_code, "cannot sign anybody in at the moment" in answer.text) == (503, True)
    kind, issuer, why = site.log.lines[-1]
    assert (kind, issuer, words in why) == ("failed", site.fake.issuer, True)
    assert sign_in(browser) == 303
    assert browser.get("/").status_code == 200


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"issuer": "https://evil.test"}, "calls itself"),
        ({"issuer": None}, "calls itself"),
        ({"token_endpoint": None}, "is no address"),
        ({"token_endpoint": "http://192.0.2.1/token"}, "plain HTTP"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "is no address"),
        ({"authorization_endpoint": "https://a@b/"}, "is no address"),
        ({"jwks_uri": ["x"]}, "is no address"),
        ({"end_session_endpoint": "ftp://x/"}, "is no address"),
        ({"code_challenge_methods_supported": ["plain"]}, "PKCE"),
        ({"token_endpoint_auth_methods_supported": ["private_key_jwt"]}, "client_secret_basic"),
    ],
)
def test_a_document_that_is_not_of_this_provider_is_refused(site: Site, document: dict[str, Any], words: str) -> None:
    site.fake.document = document
    assert site.browser().get("/sign-in/oidc").status_code == 503
    assert words in site.log.lines[-1][-1]


def test_a_provider_that_is_down_is_not_asked_by_everybody(site: Site) -> None:
    site.fake.instead[DISCOVERY] = (503, b"{}", {})
    for _ in range(5):
        assert site.browser().get("/sign-in/oidc").status_code == 503
    assert site.fake.asked.count(DISCOVERY) == 1
    assert [line[0] for line in site.log.lines] == ["failed"]
    del site.fake.instead[DISCOVERY]
    site.now += 11
    assert site.enter(site.browser()).status_code == 200


def test_nobody_listening_is_told(site: Site, fake: FakeProvider, desk: StubDesk, people: Users, secret: Path) -> None:
    gone = Site(fake, desk, people, secret, issuer="http://127.0.0.1:9")
    answer = gone.browser().get("/sign-in/oidc")
    assert (answer.status_code, "the gateway&#39;s log says why" in answer.text) == (503, True)
    assert gone.log.lines == [("failed", gone.terms.issuer, "http://127.0.0.1:9 cannot be reached: Connection refused")]


@pytest.mark.parametrize(
    ("name", "trusted", "words"),
    [("127.0.0.1", True, ""), ("127.0.0.1", False, "certificate"), ("login.test", True, "certificate")],
)
def test_the_provider_has_to_show_a_certificate_for_its_name(
    desk: StubDesk, people: Users, secret: Path, tmp_path: Path, name: str, trusted: bool, words: str
) -> None:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with provider(context) as fake:
        site = Site(fake, desk, people, secret, ca=tmp_path / "ca.pem" if trusted else None)
        answer = site.browser().get("/sign-in/oidc")
        if not words:
            assert site.enter(site.browser()).status_code == 200
        else:
            assert (answer.status_code, words in site.log.lines[-1][-1]) == (503, True)


def dripping(request: Any) -> None:
    with suppress(OSError):
        for _ in range(500):
            request.wfile.write(b"H")
            time.sleep(0.02)


def test_a_provider_that_takes_its_time_is_not_waited_for(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "PATIENCE", 0.3)
    site.fake.instead[DISCOVERY] = dripping
    assert site.browser().get("/sign-in/oidc").status_code == 503
    assert "has not answered within 0.3 s" in site.log.lines[-1][-1]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((401, b'{"error": "invalid_client"}', {}), "invalid_client"),
        ((200, b"{}", {}), "no ID token"),
        ((200, b'{"id_token": 7}', {}), "no ID token"),
        ((500, b"{}", {}), "status 500"),
    ],
)
def test_a_token_address_that_gives_none_is_told(site: Site, answer: Any, words: str) -> None:
    site.fake.instead["/token"] = answer
    assert site.enter(site.browser()).status_code == 503
    assert words in site.log.lines[-1][-1]


def test_the_secret_is_read_anew_and_told_nowhere(site: Site, secret: Path) -> None:
    def why() -> str:
        page = site.enter(site.browser())
        told = site.log.lines[-1][-1]
        assert (page.status_code, str(secret) in page.text, "wrong secret" in page.text + told) == (503, False, False)
        return told

    secret.write_text("wrong secret")
    assert "invalid_client" in why()
    secret.write_text("")
    assert "has to hold one line" in why()
    secret.unlink()
    assert "No such file" in why()
    secret.write_text(SECRET)
    assert site.enter(site.browser()).status_code == 200


def test_a_provider_that_takes_the_secret_in_the_form_only_gets_it_there(site: Site) -> None:
    site.fake.document["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
    assert site.enter(site.browser()).status_code == 200


# --- sessions ---


def test_signing_out_goes_on_to_the_provider(site: Site) -> None:
    browser = site.browser()
    site.enter(browser)
    old = browser.cookies[f"__Host-{COOKIE}"]
    answer = browser.post("/sign-out", data={"form": form_token(browser)})
    found = re.search(r'<meta http-equiv="refresh" content="0; url=([^"]*)">', answer.text)
    assert found
    where = urlsplit(html.unescape(found[1]))
    words = dict(parse_qsl(where.query))
    assert f"{where.scheme}://{where.netloc}{where.path}" == f"{site.fake.issuer}/leave"
    assert words.pop("id_token_hint").count(".") == 2
    assert words == {"client_id": CLIENT, "post_logout_redirect_uri": f"{HOME}/sign-in"}
    browser.cookies.set(f"__Host-{COOKIE}", old, domain="gate.test", path="/")
    assert is_out(browser)


def test_a_long_token_does_not_make_a_long_address(site: Site) -> None:
    site.fake.claims["groups"] = ["desk", *(f"group-{number}" for number in range(500))]
    browser = site.browser()
    site.enter(browser)
    answer = browser.post("/sign-out", data={"form": form_token(browser)})
    assert (f"{site.fake.issuer}/leave" in answer.text, "id_token_hint" in answer.text) == (True, False)


def test_without_a_page_to_sign_out_at_one_is_at_the_form_again(site: Site) -> None:
    site.fake.document["end_session_endpoint"] = None
    browser = site.browser()
    site.enter(browser)
    answer = browser.post("/sign-out", data={"form": form_token(browser)})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert is_out(browser)


def test_who_has_a_password_signs_out_here_only(site: Site) -> None:
    browser = site.browser()
    sign_in(browser)
    answer = browser.post("/sign-out", data={"form": form_token(browser)})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


def test_a_session_has_an_end(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = site.browser()
    site.enter(browser)
    monkeypatch.setattr(sessions, "LONGEST", -1.0)
    assert is_out(browser)


def test_no_page_lets_a_form_go_to_the_provider(site: Site) -> None:
    browser = site.browser()
    pages = [browser.get("/sign-in"), site.enter(browser), browser.get("/")]
    pages.append(browser.post("/sign-out", data={"form": form_token(browser)}))
    for page in pages:
        policy = page.headers["content-security-policy"]
        assert "form-action 'self';" in policy
        assert site.fake.issuer not in policy


# --- beside the other ways ---


def test_without_local_users_there_is_only_the_one_way(
    fake: FakeProvider, desk: StubDesk, tmp_path: Path, secret: Path
) -> None:
    site = Site(fake, desk, Users(tmp_path / "nobody.json"), secret)
    browser = site.browser()
    page = browser.get(browser.get("/").headers["location"]).text
    assert (f"Sign in with {site.terms.host}" in page, "Password" in page) == (True, False)
    site.enter(browser)
    assert browser.get("/").status_code == 200


def test_a_broken_file_of_users_does_not_lock_out_who_needs_none(site: Site, people: Users) -> None:
    browser = site.browser()
    people.path.write_text("nonsense")
    site.enter(browser)
    assert browser.get("/").status_code == 200


def test_whom_a_web_server_in_front_names_is_nobody_else(
    fake: FakeProvider, desk: StubDesk, people: Users, secret: Path
) -> None:
    site = Site(fake, desk, people, secret)
    networks = [ip_network("192.0.2.10/32")]
    front = Front("X-Remote-User", networks)
    oidc = (site.client, site.log)
    application = Starlette(routes=routes(desk, people, public_url=HOME, proxies=networks, front=front, oidc=oidc))
    browser = TestClient(application, base_url=HOME, follow_redirects=False, client=("192.0.2.10", 5000))
    browser.headers["X-Remote-User"] = "vic"
    for path in ("/sign-in/oidc", "/sign-in/oidc/callback?code=x&state=y"):
        assert browser.get(path).headers["location"] == "/"
    assert '<span title="viewer">vic</span>' in browser.get("/").text


def test_the_heavy_libraries_are_loaded_by_the_first_sign_in() -> None:
    program = "import sys, gateway.daemon; sys.exit(sorted({'authlib', 'joserfc'} & set(sys.modules)) or None)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_without_a_provider_there_are_no_such_addresses(desk: StubDesk, people: Users) -> None:
    browser = TestClient(Starlette(routes=routes(desk, people)), follow_redirects=False)
    for path in ("/sign-in/oidc", "/sign-in/oidc/callback"):
        assert browser.get(path).status_code == 404
