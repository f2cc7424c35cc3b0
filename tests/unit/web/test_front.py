"""Whom the web server in front has signed in, and everybody who only says so."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from gateway.web import sessions
from gateway.web.front import Front
from gateway.web.people import Role
from gateway.web.site import routes
from gateway.web.users import Users
from gateway.web.visits import COOKIE
from tests.unit.web.test_site import ID, PASSWORD, StubDesk, desk, form_token, people, release, sign_in

__all__ = ["desk", "people"]
HEADER = "X-Remote-User"
PROXY, STRANGER = "192.0.2.10", "198.51.100.7"
PROXIES = [ip_network(f"{PROXY}/32")]
HTMX = {"HX-Request": "true"}


class Site:
    """The pages, as seen from any address, and who was told to have forged the header."""

    def __init__(self, desk: StubDesk, people: Users) -> None:
        self.forgers: list[str] = []
        front = Front(HEADER, PROXIES, self.forgers.append)
        self._application = Starlette(routes=routes(desk, people, proxies=PROXIES, front=front))

    def seen_from(self, address: str, *names: str) -> TestClient:
        browser = TestClient(
            self._application, base_url="http://gate.test", follow_redirects=False, client=(address, 50000)
        )
        browser.headers.update({HEADER: names[0]} if names else {})
        return browser

    def ann(self) -> TestClient:
        return self.seen_from(PROXY, "ann")


@pytest.fixture
def site(desk: StubDesk, people: Users) -> Site:
    return Site(desk, people)


def test_whom_the_proxy_names_is_in_without_a_form_or_a_cookie(site: Site, desk: StubDesk) -> None:
    browser = site.ann()
    answer = browser.get("/")
    assert (answer.status_code, "set-cookie" in answer.headers) == (200, False)
    assert '<span title="releaser">ann</span>' in answer.text
    for method in ("GET", "POST"):
        sent = browser.request(method, "/sign-in", data={"name": "vic", "password": PASSWORD})
        assert (sent.status_code, sent.headers["location"], "set-cookie" in sent.headers) == (303, "/", False)
    assert release(browser).status_code == 200
    assert desk.done == [("release", ID, "ann (proxy)", "expected", ("alice@example.com",))]
    assert site.forgers == []


def test_the_role_is_that_of_the_file_of_users(site: Site, people: Users, desk: StubDesk) -> None:
    assert release(site.seen_from(PROXY, "vic")).status_code == 403
    browser = site.ann()
    token = form_token(browser)
    people.set_role("ann", Role.VIEWER)
    fields = {"form": token, "why": "x", "recipient": "alice@example.com"}
    answer = browser.post(f"/quarantine/{ID}/release", data=fields)
    assert (answer.status_code, "not one of yours" in answer.text) == (403, True)
    assert release(browser).status_code == 403
    assert desk.done == []


@pytest.mark.parametrize("more", [{}, {"X-Forwarded-For": PROXY}, {"X-Forwarded-For": "127.0.0.1"}])
def test_a_stranger_who_sends_the_header_is_nobody_and_told_once(site: Site, more: dict[str, str]) -> None:
    for _ in range(3):
        answer = site.seen_from(STRANGER, "ann").get("/quarantine", headers=more)
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Fquarantine")
    assert site.seen_from(STRANGER, "ann").get("/sign-in", headers=more).status_code == 200
    assert site.forgers == [STRANGER]


def test_others_sign_in_with_their_password_as_before(site: Site) -> None:
    browser = site.seen_from(STRANGER)
    assert sign_in(browser, "vic") == 303
    assert '<span title="viewer">vic</span>' in browser.get("/").text
    browser.headers[HEADER] = "ann"
    assert '<span title="viewer">vic</span>' in browser.get("/").text
    browser.cookies.clear()
    browser.cookies.set(COOKIE, "ann")
    assert browser.get("/").status_code == 303


def test_a_session_by_password_counts_nothing_at_the_proxy(site: Site) -> None:
    direct = site.seen_from(STRANGER)
    sign_in(direct)
    browser = site.seen_from(PROXY)
    browser.cookies.set(COOKIE, direct.cookies[COOKIE])
    assert browser.get("/").status_code == 403
    browser.headers[HEADER] = "vic"
    assert '<span title="viewer">vic</span>' in browser.get("/").text


@pytest.mark.parametrize("value", [None, "", " ", "\t"])
def test_who_is_not_named_is_not_let_in(site: Site, desk: StubDesk, value: str | None) -> None:
    headers = {} if value is None else {HEADER: value}
    browser = site.seen_from(PROXY)
    for path in ("/", "/quarantine", f"/quarantine/{ID}", "/quarantine.csv", "/exceptions", "/requests"):
        answer = browser.get(path, headers=headers)
        assert (answer.status_code, "has not said who you are" in answer.text) == (403, True)
        assert "Invoice" not in answer.text
    answer = browser.post(f"/quarantine/{ID}/delete", data={"form": "", "why": "x"}, headers=headers)
    assert answer.status_code == 403
    assert desk.done == []


def test_two_headers_are_one_too_many(site: Site) -> None:
    browser = site.seen_from(PROXY)
    for names in (["ann", "vic"], ["ann", "ann"], ["ann", ""]):
        answer = browser.get("/", headers=[(HEADER, name) for name in names])
        assert (answer.status_code, "more than one header" in answer.text) == (403, True)


@pytest.mark.parametrize(
    "name", ["eve", "Ann", "ann, vic", "ann,ann", "ann@example.com", "<script>alert(1)</script>", "x" * 5000, "é"]
)
def test_a_name_that_is_no_users_is_refused_in_a_sentence(site: Site, name: str) -> None:
    answer = site.seen_from(PROXY).get("/", headers={HEADER: name.encode("latin-1")})
    assert (answer.status_code, "there is no such user here" in answer.text) == (403, True)
    assert "<script" not in answer.text
    assert len(answer.text) < 4000


def test_who_is_removed_is_out_at_once(site: Site, people: Users) -> None:
    browser = site.ann()
    token = form_token(browser)
    people.remove("ann")
    assert browser.get("/quarantine").status_code == 403
    assert browser.post(f"/quarantine/{ID}/delete", data={"form": token, "why": "x"}).status_code == 403
    people.put("ann", Role.RELEASER, PASSWORD)
    assert form_token(browser) != token


def test_another_user_has_other_forms(site: Site, desk: StubDesk) -> None:
    browser = site.ann()
    anns = form_token(browser)
    browser.headers[HEADER] = "vic"
    assert '<span title="viewer">vic</span>' in browser.get("/").text
    assert browser.post(f"/quarantine/{ID}/delete", data={"form": anns, "why": "x"}).status_code == 403
    vics = form_token(browser)
    browser.headers[HEADER] = "ann"
    answer = browser.post(f"/quarantine/{ID}/delete", data={"form": vics, "why": "x"})
    assert (answer.status_code, "not one of yours" in answer.text) == (403, True)
    assert desk.done == []
    assert browser.post(f"/quarantine/{ID}/delete", data={"form": anns, "why": "x"}).status_code == 200
    assert desk.done == [("delete", ID, "ann (proxy)", "x")]


@pytest.mark.parametrize(
    "headers", [{}, {"Origin": "https://evil.test"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}]
)
def test_other_sites_cannot_act_though_the_proxy_names_who_asks(
    site: Site, desk: StubDesk, headers: dict[str, str]
) -> None:
    browser = site.ann()
    token = form_token(browser) if headers else "guessed"
    fields = {"form": token, "why": "x", "recipient": "alice@example.com"}
    assert browser.post(f"/quarantine/{ID}/release", data=fields, headers=headers).status_code == 403
    assert desk.done == []


def test_signing_out_ends_the_forms_and_says_where_to_leave_for_good(site: Site, desk: StubDesk) -> None:
    browser = site.ann()
    token = form_token(browser)
    answer = browser.post("/sign-out", data={"form": token})
    assert (answer.status_code, "sign out there" in answer.text) == (200, True)
    assert browser.post(f"/quarantine/{ID}/delete", data={"form": token, "why": "x"}).status_code == 403
    assert browser.get("/").status_code == 200
    assert desk.done == []


def test_pages_that_look_by_themselves_begin_no_session(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = site.ann()
    for _ in range(2):
        assert browser.get("/quarantine", headers=HTMX).headers["hx-refresh"] == "true"
    token = form_token(browser)
    assert "hx-refresh" not in browser.get("/quarantine", headers=HTMX).headers
    monkeypatch.setattr(sessions, "IDLE", -1.0)
    assert browser.get("/quarantine", headers=HTMX).headers["hx-refresh"] == "true"
    monkeypatch.undo()
    assert form_token(browser) != token


def test_a_broken_file_of_users_lets_nobody_in(site: Site, people: Users) -> None:
    people.path.write_text("nonsense")
    answer = site.ann().get("/")
    assert (answer.status_code, "is not a file of users" in answer.text) == (503, True)


def test_without_its_name_no_header_counts(desk: StubDesk, people: Users) -> None:
    application = Starlette(routes=routes(desk, people, proxies=PROXIES))
    browser = TestClient(application, follow_redirects=False, client=(PROXY, 50000))
    assert browser.get("/", headers={HEADER: "ann", "": "ann"}).status_code == 303
