"""The pages, asked as browsers and as attackers ask."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from gateway.closed_sets import Action, AuthResult, FileType, HeldState, Kind, Verdict
from gateway.message import Authentication, Change, Checked, Finding, Part, Report, Signed
from gateway.quarantine.asking import Asked, Standing
from gateway.quarantine.journal import Journal
from gateway.quarantine.models import Held, HeldMessage, HeldRecipient
from gateway.quarantine.sidecar import Record
from gateway.quarantine.wish import Wish
from gateway.readable import Link, Passage, Reading, Source
from gateway.web import users as users_module
from gateway.web.desk import NotHeld, Query, require
from gateway.web.look import Download, Outlook, Similar
from gateway.web.pages import DeskError
from gateway.web.people import TAKES, Act, Person, Role
from gateway.web.site import routes
from gateway.web.today import Room, Today, Trouble
from gateway.web.users import Users
from gateway.web.visits import COOKIE
from tests.unit.test_events import outcome

PASSWORD = "correct horse battery"
ID = "0123456789abcdef"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SCRIPTS = [f'<script src="/static/{name}.js" defer>' for name in ("htmx.min", "desk")]
EVIL = """"><img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}' javascript:alert(3)"""

A_GOOD_DAY = Today(
    held=1,
    oldest=NOW,
    hours=(1,) * 24,
    labels=tuple(f"{hour:02}:00 UTC" for hour in range(24)),
    counts=(("passed", (0,) * 22 + (3, 1200)), ("held", (1,) * 24), ("deferred", (0,) * 24)),
    since=NOW,
    last=NOW,
    troubles=(),
    workers=2,
    busy=0,
    hired=2,
    deaths=0,
    next_hop="127.0.0.1:10026",
    rooms=(Room("held messages", 10**11, "x"), Room("messages on their way", None, "x")),
)

PASSAGE = Passage("1", "text/html", "Click here[1]", (Link("here", "http://evil.example/x"),))


def held_message(**changes: Any) -> HeldMessage:
    fields: dict[str, Any] = {
        "id": ID,
        "state": HeldState.HELD,
        "kept_at": NOW,
        "transaction_id": "t",
        "client": "192.0.2.1",
        "sender": "sender@outside.test",
        "from_header": "A Sender <sender@outside.test>",
        "recipients": (HeldRecipient("alice@example.com", delivered=False), HeldRecipient("bob@example.com", True)),
        "subject": "Invoice",
        "verdict": "autoexec",
        "action": "quarantine",
        "rule": "autoexec",
        "why": "A document in it runs a macro by itself",
        "size": 1234,
        "stored": 1234,
        "sha256": "ab" * 32,
        "duplicate_of": None,
        "recovered": False,
        "note": "",
    }
    return HeldMessage(**(fields | changes))


@dataclass
class StubLook:
    """One message, looked into; ``wrong`` is why it cannot be."""

    reading: Reading = field(default_factory=lambda: Reading("Subject: x", passages=(PASSAGE,)))
    code: tuple[Source, ...] = (Source("2/invoice.docm", "vba", 'Attribute VB_Name = "M"\n\nSub AutoOpen()\nEnd Sub'),)
    others: tuple[Similar, ...] = ()
    prospect: Outlook = field(default_factory=lambda: Outlook("autoexec", "quarantine", "autoexec", "It runs"))
    wrong: str = ""
    taken: list[tuple[str, ...]] = field(default_factory=list)

    def _answer(self) -> None:
        if self.wrong:
            raise DeskError(self.wrong)

    async def read(self, held_id: str) -> Reading:
        self._answer()
        return self.reading

    async def sources(self, held_id: str) -> Sequence[Source]:
        self._answer()
        return self.code

    async def similar(self, held_id: str) -> Sequence[Similar]:
        self._answer()
        return self.others

    async def outlook(self, held_id: str) -> Outlook:
        self._answer()
        return self.prospect

    async def download(self, held_id: str, *, by: Person, why: str, where: str = "") -> Download:
        require(by, Act.DOWNLOAD)
        self._answer()
        self.taken.append((held_id, by.who, why, where))
        return Download(f"{held_id}.zip", 3, iter([b"zip"]))


@dataclass
class StubDesk:
    """A quarantine of one message that writes down what is asked of it."""

    look: StubLook = field(default_factory=StubLook)
    message: HeldMessage = field(default_factory=held_message)
    finding: Finding = field(
        default_factory=lambda: Finding.of(
            Kind.VBA_AUTOEXEC,
            "2/invoice.docm",
            "AutoOpen runs when the document is opened",
            excerpt="Sub AutoOpen()\nEnd Sub",
            fingerprint="cd" * 32,
            indicators=["http://evil.example/x"],
        )
    )
    parts: tuple[Part, ...] = ()
    authentication: Authentication | None = None
    asked: list[Query] = field(default_factory=list)
    counted: list[Query] = field(default_factory=list)
    done: list[tuple[Any, ...]] = field(default_factory=list)
    how: list[tuple[tuple[str, ...], bool, bool, str]] = field(default_factory=list)
    refuse: str = ""
    exceptions: Any = None
    iocs: Any = None

    async def find(self, query: Query) -> Sequence[Any]:
        self.asked.append(query)
        return [self.message] * min(query.limit, 60)

    async def count(self, query: Query) -> int:
        self.counted.append(query)
        return min(query.limit, 60)

    async def revision(self) -> str:
        return "7"

    def _known(self, held_id: str) -> None:
        if held_id != ID:
            raise NotHeld(f"There is no held message {held_id}")

    async def resolve(self, prefix: str) -> str:
        if not ID.startswith(prefix):
            raise NotHeld(f"There is no held message {prefix}")
        return ID

    async def get(self, held_id: str) -> Any:
        self._known(held_id)
        one = outcome()
        report = Report(Verdict.AUTOEXEC, (self.finding,), self.parts, authentication=self.authentication)
        record = Record(ID, NOW, one.transaction, report, one.decision, 1234, "ab" * 32)
        return Held(self.message, record, Journal.of(record, b""), trusted=True)

    async def open_message(self, held_id: str, *, by: Person, why: str) -> BinaryIO:
        require(by, Act.DOWNLOAD)
        self._known(held_id)
        self.look.taken.append((held_id, by.who, why, "raw"))
        return io.BytesIO(b"From: a\r\n\r\nhello\r\n")

    async def today(self) -> Today:
        troubles = (Trouble("next-hop", "451 gone", "next-hop-failing", grave=True),) if self.refuse else ()
        return replace(A_GOOD_DAY, troubles=troubles)

    async def release(
        self,
        held_id: str,
        *,
        by: Person,
        why: str,
        recipients: Sequence[str] | None,
        to: Sequence[str] = (),
        disarmed: bool = False,
        again: bool = False,
        known: str = "",
    ) -> Sequence[tuple[str, str]]:
        if self.refuse:
            raise DeskError(self.refuse)
        require(by, Act.RELEASE)
        self._known(held_id)
        recipients = ["alice@example.com"] if recipients is None else recipients
        self.done.append(("release", held_id, by.who, why, tuple(recipients)))
        self.how.append((tuple(to), disarmed, again, known))
        return [(address, "250 2.0.0 Ok") for address in recipients]

    two_person: bool = False
    asked_for: Asked | None = None

    def request_on(self, held: Any) -> Any | None:
        return self.asked_for

    wait: bool = False

    def recipients_wait(self, held: Any) -> bool:
        return self.wait

    def is_mine(self, asked: Any, by: Person) -> bool:
        return bool(asked.account == by.account)

    async def waiting(self) -> int:
        return int(self.asked_for is not None)

    async def requests(self) -> Sequence[Any]:
        return [await self.get(ID)] if self.asked_for else []

    async def request_release(
        self,
        held_id: str,
        *,
        by: Person,
        why: str,
        recipients: Sequence[str] | None,
        to: Sequence[str] = (),
        disarmed: bool = False,
    ) -> None:
        require(by, Act.ASK)
        self.how.append((tuple(to), disarmed, False, ""))
        self.done.append(("ask", held_id, by.who, why, tuple(recipients or ())))

    async def approve(
        self, held_id: str, number: int, *, by: Person, why: str, known: str = ""
    ) -> Sequence[tuple[str, str]]:
        require(by, Act.DECIDE)
        self.done.append(("approve", held_id, number, by.who, why))
        self.how.append(((), False, False, known))
        return [("alice@example.com", "250 2.0.0 Ok")]

    async def send_approved(
        self, held_id: str, number: int, *, by: Person, known: str = ""
    ) -> Sequence[tuple[str, str]]:
        self.done.append(("send", held_id, number, by.who))
        self.how.append(((), False, False, known))
        return []

    async def turn_down(self, held_id: str, number: int, *, by: Person, why: str) -> None:
        require(by, Act.DECIDE)
        self.done.append(("refuse", held_id, number, by.who, why))

    async def take_back(self, held_id: str, number: int, *, by: Person) -> None:
        self.done.append(("take back", held_id, number, by.who))

    async def delete(self, held_id: str, *, by: Person, why: str) -> None:
        require(by, Act.DELETE)
        self._known(held_id)
        self.done.append(("delete", held_id, by.who, why))


@pytest.fixture
def desk() -> StubDesk:
    return StubDesk()


@pytest.fixture
def people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Users:
    cheap = users_module.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(users_module, "_HASHER", cheap)
    monkeypatch.setattr(users_module, "_NOBODY", cheap.hash("x"))
    users = Users(tmp_path / "users.json")
    users.put("ann", Role.RELEASER, PASSWORD)
    users.put("vic", Role.VIEWER, PASSWORD)
    users.put("al", Role.ANALYST, PASSWORD)
    return users


@pytest.fixture
def browser(desk: StubDesk, people: Users) -> TestClient:
    return TestClient(Starlette(routes=routes(desk, people)), base_url="http://gate.test", follow_redirects=False)


def sign_in(browser: TestClient, name: str = "ann", password: str = PASSWORD) -> int:
    return browser.post("/sign-in", data={"name": name, "password": password}).status_code


def form_token(browser: TestClient) -> str:
    found = re.search(r'name="form" value="([^"]+)"', browser.get("/quarantine").text)
    assert found
    return found[1]


def release(browser: TestClient, **changes: Any) -> Any:
    fields = {"form": form_token(browser), "why": "expected", "recipient": "alice@example.com"}
    return browser.post(f"/quarantine/{ID}/release", data=fields | changes.pop("fields", {}), **changes)


# --- who is let in ---


@pytest.mark.parametrize("path", ["/", "/quarantine", f"/quarantine/{ID}", f"/quarantine/{ID}/release"])
def test_strangers_see_the_sign_in_form_only(browser: TestClient, path: str) -> None:
    answer = browser.get(path)
    goal = "" if path == "/" else f"?next={quote(path, safe='')}"
    assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in{goal}")
    assert "Invoice" not in answer.text


def test_without_users_it_says_how_to_make_one(desk: StubDesk, tmp_path: Path) -> None:
    users = Users(tmp_path / "nobody.json")
    application = Starlette(routes=routes(desk, users))
    browser = TestClient(application, follow_redirects=False, client=("127.0.0.1", 50000))
    answer = browser.get("/")
    assert answer.status_code == 503
    assert "macrogate user add" in answer.text
    assert sign_in(browser) == 403


def test_without_users_other_machines_see_nothing(desk: StubDesk, tmp_path: Path) -> None:
    application = Starlette(routes=routes(desk, Users(tmp_path / "nobody.json")))
    browser = TestClient(application, follow_redirects=False, client=("192.0.2.1", 50000))
    for path in ("/", "/quarantine", "/requests"):
        answer = browser.get(path)
        assert (answer.status_code, answer.text) == (404, "")


@pytest.mark.parametrize("change", ["role", "password"])
def test_another_role_or_password_signs_out_everywhere(browser: TestClient, people: Users, change: str) -> None:
    sign_in(browser)
    assert browser.get("/quarantine").status_code == 200
    if change == "role":
        people.set_role("ann", Role.VIEWER)
    else:
        people.put("ann", Role.RELEASER, PASSWORD + "!")
    assert browser.get("/quarantine").status_code == 303


def test_guessing_from_behind_a_proxy_is_counted_by_client(desk: StubDesk, people: Users) -> None:
    application = Starlette(routes=routes(desk, people, proxies=[ip_network("127.0.0.1/32")]))
    browser = TestClient(application, follow_redirects=False, client=("127.0.0.1", 50000))

    def guess(client: str) -> int:
        form = {"name": "ann", "password": "wrong password"}
        return browser.post("/sign-in", data=form, headers={"X-Forwarded-For": client}).status_code

    assert [guess(f"1.2.3.{number}, 192.0.2.1") for number in range(6)] == [403] * 5 + [429]
    assert guess("192.0.2.2") == 403


def test_a_broken_file_of_users_is_told_and_lets_nobody_in(browser: TestClient, people: Users) -> None:
    sign_in(browser)
    people.path.write_text("nonsense")
    answer = browser.get("/quarantine")
    assert answer.status_code == 503
    assert "is not a file of users" in answer.text


def test_signing_in_and_out(browser: TestClient) -> None:
    assert sign_in(browser, password="wrong password") == 403
    assert COOKIE not in browser.cookies
    assert sign_in(browser) == 303
    assert browser.get("/").status_code == 200
    old = browser.cookies[COOKIE]
    assert browser.post("/sign-out", data={"form": form_token(browser)}).status_code == 303
    browser.cookies.set(COOKIE, old)
    assert browser.get("/").status_code == 303


def test_the_cookie_is_for_this_site_and_no_script(desk: StubDesk, people: Users) -> None:
    application = Starlette(routes=routes(desk, people, public_url="https://gate.test"))
    browser = TestClient(application, base_url="https://gate.test", follow_redirects=False)
    answer = browser.post("/sign-in", data={"name": "ann", "password": PASSWORD})
    words = answer.headers["set-cookie"].lower()
    assert words.startswith("__host-")
    assert all(word in words for word in ("httponly", "samesite=strict", "secure", "path=/"))


def test_a_session_of_before_is_not_taken_over(browser: TestClient) -> None:
    browser.cookies.set(COOKIE, "chosen-by-an-attacker")
    assert sign_in(browser) == 303
    assert browser.cookies.get(COOKIE, domain="gate.test") != "chosen-by-an-attacker"


def test_guessing_is_stopped(browser: TestClient) -> None:
    codes = [sign_in(browser, password=f"wrong password {number}") for number in range(6)]
    assert codes == [403] * 5 + [429]
    assert sign_in(browser) == 429


def test_who_is_removed_is_out_at_once(browser: TestClient, people: Users) -> None:
    sign_in(browser)
    people.remove("ann")
    assert browser.get("/quarantine").status_code == 303


# --- what is shown ---


def test_the_list_asks_for_what_was_searched(browser: TestClient, desk: StubDesk) -> None:
    sign_in(browser)
    answer = browser.get("/quarantine?subject=inv&verdict=autoexec&state=all&sender=a&recipient=b&older=17")
    assert answer.status_code == 200
    assert desk.asked[-1] == Query("all", "autoexec", "a", "b", "inv", "17", "", 51)
    here = str(desk.message.place)
    assert f"subject=inv&amp;older={here}" in answer.text
    assert f"subject=inv&amp;newer={here}" in answer.text


@pytest.mark.parametrize(
    "query", ["state=x", "verdict=%00", "older=-1", "older=9e9", "newer=%D9%A3", "older=" + "9" * 40]
)
def test_odd_words_of_a_search_are_none(browser: TestClient, desk: StubDesk, query: str) -> None:
    sign_in(browser)
    assert browser.get(f"/quarantine?{query}").status_code == 200
    assert desk.asked[-1] == Query(limit=51)


def test_one_message_is_explained(browser: TestClient) -> None:
    sign_in(browser)
    page = browser.get(f"/quarantine/{ID}").text
    assert "<mark>Sub AutoOpen()</mark>" in page
    assert "hxxp://evil[.]example/x" in page
    assert "A document in it runs a macro by itself" in page


def test_no_message_no_page(browser: TestClient) -> None:
    sign_in(browser)
    for path in (
        "/quarantine/ffffffffffffffff",
        "/quarantine/..%2f..%2fetc",
        "/static/../users.json",
        "/static/%2e%2e/desk.py",
    ):
        assert browser.get(path).status_code == 404


def test_trouble_is_on_the_first_page(browser: TestClient, desk: StubDesk) -> None:
    sign_in(browser)
    assert "All is well" in browser.get("/").text
    desk.refuse = "x"
    page = browser.get("/").text
    assert "All is well" not in page
    assert "451 gone" in page


def test_what_attackers_write_stays_text(browser: TestClient, desk: StubDesk) -> None:
    desk.message = held_message(subject=EVIL, from_header=EVIL, sender=EVIL, why=EVIL, rule=EVIL)
    desk.finding = Finding.of(Kind.VBA_MACRO, EVIL, EVIL, excerpt=EVIL, reference=EVIL, indicators=[EVIL])
    sign_in(browser)
    for path in ("/", "/quarantine", f"/quarantine/{ID}", f"/quarantine/{ID}/release", f"/quarantine/{ID}/delete"):
        answer = browser.get(path)
        assert answer.status_code == 200
        assert "<img src=x" not in answer.text
        assert re.findall("<script[^>]*>", answer.text) == SCRIPTS
        assert "49" not in re.findall(r"alert\(2\)[^ ]*(49)?", answer.text)
        assert 'href="javascript' not in answer.text
    quoted = browser.get("/quarantine", params={"subject": EVIL}).text
    assert "<img src=x" not in quoted


@pytest.mark.parametrize("path", ["/", "/sign-in", "/quarantine", f"/quarantine/{ID}", "/quarantine/none"])
def test_every_page_forbids_what_is_not_ours(browser: TestClient, path: str) -> None:
    sign_in(browser)
    headers = browser.get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
    assert "unsafe" not in headers["content-security-policy"]
    assert "script-src 'self';" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


# --- what is done ---


def test_a_release_has_a_person_a_reason_and_recipients(browser: TestClient, desk: StubDesk) -> None:
    sign_in(browser)
    answer = release(browser)
    assert answer.status_code == 200
    assert "alice@example.com: 250 2.0.0 Ok" in answer.text
    assert desk.done == [("release", ID, "ann (web)", "expected", ("alice@example.com",))]


def test_a_deletion_too(browser: TestClient, desk: StubDesk) -> None:
    sign_in(browser)
    browser.post(f"/quarantine/{ID}/delete", data={"form": form_token(browser), "why": "spam"})
    assert desk.done == [("delete", ID, "ann (web)", "spam")]


@pytest.mark.parametrize(
    ("fields", "status", "sentence"),
    [
        ({"why": "  "}, 409, "A reason is needed"),
        ({"recipient": []}, 409, "Nobody was chosen"),
        ({"form": ""}, 403, "not one of yours"),
        ({"form": "x" * 43}, 403, "not one of yours"),
    ],
)
def test_what_is_missing_is_said(
    browser: TestClient, desk: StubDesk, fields: dict[str, Any], status: int, sentence: str
) -> None:
    sign_in(browser)
    answer = release(browser, fields=fields)
    assert (answer.status_code, sentence in answer.text) == (status, True)
    assert desk.done == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.test"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_other_sites_cannot_act(browser: TestClient, desk: StubDesk, headers: dict[str, str]) -> None:
    sign_in(browser)
    assert release(browser, headers=headers).status_code == 403
    assert desk.done == []
    assert browser.post("/sign-in", data={"name": "ann", "password": PASSWORD}, headers=headers).status_code == 403


def test_a_viewer_looks_and_does_not_act(browser: TestClient, desk: StubDesk) -> None:
    sign_in(browser, "vic")
    assert browser.get(f"/quarantine/{ID}").status_code == 200
    assert browser.get(f"/quarantine/{ID}/release").status_code == 403
    assert release(browser).status_code == 403
    assert browser.post(f"/quarantine/{ID}/delete", data={"form": form_token(browser), "why": "x"}).status_code == 403
    assert desk.done == []


@pytest.mark.parametrize("act", ["release", "delete"])
def test_looking_changes_nothing(browser: TestClient, desk: StubDesk, act: str) -> None:
    sign_in(browser)
    assert browser.get(f"/quarantine/{ID}/{act}", params={"form": form_token(browser), "why": "x"}).status_code == 200
    assert desk.done == []


def test_what_the_quarantine_refuses_is_said(browser: TestClient, desk: StubDesk) -> None:
    desk.refuse = "It is being released by somebody else"
    sign_in(browser)
    answer = release(browser)
    assert (answer.status_code, desk.refuse in answer.text) == (409, True)


def test_a_huge_form_is_none(browser: TestClient, desk: StubDesk) -> None:
    sign_in(browser)
    assert release(browser, fields={"why": "x" * (1 << 20)}).status_code == 403
    assert desk.done == []


# --- one message ---


def show(browser: TestClient, path: str = "") -> str:
    sign_in(browser)
    return html.unescape(browser.get(f"/quarantine/{ID}{path}").text)


def test_a_message_is_told_by_part_with_its_text_and_its_code(browser: TestClient) -> None:
    page = show(browser)
    assert "<code>2/invoice.docm</code>" in page
    assert "<mark>Sub AutoOpen()</mark>" in page
    assert "Click here[1]" in page
    assert "leads to <code>hxxp://evil[.]example/x</code>" in page
    assert "<b>Subject:</b> x" in page
    assert "http://evil" not in page
    source = show(browser, "/source")
    assert '<b class="module">M</b>' in source
    assert '<span class="number">2</span><mark>Sub AutoOpen()</mark>' in source
    assert "Attribute" not in source


def test_what_cannot_be_read_now_keeps_nothing_else_from_being_shown(browser: TestClient, desk: StubDesk) -> None:
    desk.look.wrong = "The message could not be looked into: no worker answered"
    page = show(browser)
    assert "The text cannot be shown: The message could not be looked into: no worker answered" in page
    assert "AutoOpen runs when the document is opened" in page
    assert browser.get(f"/quarantine/{ID}/source").status_code == 409


def test_a_message_without_bytes_is_not_read(browser: TestClient, desk: StubDesk) -> None:
    desk.message = held_message(stored=0, state=HeldState.DELETED)
    desk.look.wrong = "nobody may ask"
    page = show(browser)
    assert "Its bytes are gone" in page
    assert "cannot be shown" not in page
    assert "Download" not in page


def test_others_like_it_are_shown(browser: TestClient, desk: StubDesk) -> None:
    desk.look.others = (Similar(held_message(id="f" * 16, subject="Invoice 2"), "same sender"),)
    page = show(browser)
    assert f'<a href="/quarantine/{"f" * 16}">Invoice 2</a>' in page
    assert "same sender" in page


EVIL_READING = Reading(
    f"{EVIL}: {EVIL}\n{EVIL}",
    header_cut=True,
    passages=(Passage(EVIL, EVIL, EVIL, (Link(EVIL, EVIL, EVIL), Link(EVIL, f"javascript:{EVIL}")), cut=True),),
    trouble=EVIL,
)


def test_nothing_that_was_read_becomes_markup(browser: TestClient, desk: StubDesk) -> None:
    evil = Checked(AuthResult.FAIL, EVIL, EVIL)
    found = Authentication((Signed(AuthResult.FAIL, EVIL, EVIL, reason=EVIL),), evil, 1, evil, "reject", evil)
    desk.finding = Finding.of(Kind.DDE, f"2/{EVIL}/b", EVIL, reference=EVIL, excerpt=EVIL, indicators=[EVIL])
    desk.authentication = found
    desk.parts = (Part(f"2/{EVIL}/b", FileType.DOC, 1, "ab" * 32, Verdict.AUTOEXEC),)
    desk.look.reading = EVIL_READING
    desk.look.code = (Source(f"2/{EVIL}/b", EVIL, f'Attribute VB_Name = "{EVIL[2:]}"\n{EVIL}', cut=True),)
    desk.look.others = (Similar(held_message(subject=EVIL), EVIL),)
    sign_in(browser)
    for path in ("", "/source", f"/download?part={quote(EVIL)}", "/download"):
        text = browser.get(f"/quarantine/{ID}{path}").text
        assert "<img src=x" not in text, path
        assert re.findall("<script[^>]*>", text) == SCRIPTS, path
        assert not re.search(r"(?:href|src|action)=[\"']?javascript", text), path
        assert "49" not in re.findall(r"\{\{7\*7\}\}|\b49\b", text), path


def test_a_download_is_a_zip_for_who_may(browser: TestClient, desk: StubDesk) -> None:
    assert "infected" in show(browser, "/download?part=2/invoice.docm")
    fields = {"form": form_token(browser), "why": "to look at it", "part": "2/invoice.docm"}
    answer = browser.post(f"/quarantine/{ID}/download", data=fields)
    assert answer.content == b"zip"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == f'attachment; filename="{ID}.zip"'
    assert answer.headers["content-length"] == "3"
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert desk.look.taken == [(ID, "ann (web)", "to look at it", "2/invoice.docm")]
    assert browser.post(f"/quarantine/{ID}/download", data=fields | {"why": " "}).status_code == 409
    assert browser.post(f"/quarantine/{ID}/download", data=fields | {"form": "x"}).status_code == 403
    browser.cookies.clear()
    sign_in(browser, "vic")
    assert browser.get(f"/quarantine/{ID}/download").status_code == 403
    assert browser.post(f"/quarantine/{ID}/download", data=fields | {"form": form_token(browser)}).status_code == 403
    assert len(desk.look.taken) == 1


# --- how a message may be released ---

DISARMED = Change("2", Action.DISARM, "invoice.docm", "invoice.docx", ("the macro project",))


def test_the_question_tells_todays_verdict_and_what_a_copy_would_be(browser: TestClient, desk: StubDesk) -> None:
    desk.look.prospect = Outlook("autoexec", "quarantine", "r", "It runs", worse=True, changes=(DISARMED,))
    page = show(browser, "/release")
    assert "invoice.docm: without the macro project" in page
    assert 'value="disarmed" checked' in page
    assert "Today's rules find more in it" in page
    assert '<input type="hidden" name="verdict" value="autoexec">' in page
    assert 'name="again"' not in page


def test_where_no_copy_can_be_made_or_was_sent_the_original_is_proposed(browser: TestClient, desk: StubDesk) -> None:
    desk.look.prospect = Outlook(trouble="it crashed", no_copy="today's scan gave no verdict")
    page = show(browser, "/release")
    assert "gave no verdict</b>: it crashed" in page
    assert 'value="disarmed" disabled' in page
    assert 'value="original" checked' in page
    desk.look.prospect = Outlook("autoexec", changes=(DISARMED,))
    desk.message = held_message(action="disarm")
    assert 'value="original" checked' in show(browser, "/release")


@pytest.mark.parametrize("state", [HeldState.RELEASING, HeldState.RELEASED])
def test_what_may_make_a_twin_is_asked_for_apart(browser: TestClient, desk: StubDesk, state: HeldState) -> None:
    desk.message = held_message(state=state)
    assert "Send again" in show(browser)
    assert "Somebody may get it twice" in show(browser, "/release")
    assert release(browser, fields={"what": "original", "again": "yes"}).status_code == 200
    assert desk.how == [((), False, True, "")]


@pytest.mark.parametrize("what", ["", "disarmed", "something else"])
def test_whoever_says_nothing_of_the_original_sends_a_copy(browser: TestClient, desk: StubDesk, what: str) -> None:
    sign_in(browser)
    answer = release(browser, fields={"what": what, "verdict": "macro"})
    assert "A disarmed copy was sent" in answer.text
    assert desk.how == [((), True, False, "macro")]


def test_another_address_gets_it_instead_of_the_recipients(browser: TestClient, desk: StubDesk) -> None:
    sign_in(browser)
    both = {"form": form_token(browser), "why": "x", "other": "soc@example.com", "recipient": "alice@example.com"}
    assert browser.post(f"/quarantine/{ID}/release", data=both).status_code == 409
    del both["recipient"]
    assert browser.post(f"/quarantine/{ID}/release", data=both | {"what": "original"}).status_code == 200
    assert desk.how == [(("soc@example.com",), False, False, "")]


def test_what_was_found_can_be_blocked_and_allowed_from_its_page(browser: TestClient, people: Users) -> None:
    people.set_role("ann", Role.ADMIN)
    page = show(browser)
    for subject, what in (("sender", "sender%40outside.test"), ("macro", "cd" * 32)):
        for effect in ("block", "allow"):
            assert f"/exceptions/new?effect={effect}&subject={subject}&what={what}" in page


# --- a page offers what the desk would do, and nothing else ---

OFFERED = {
    "Download…": Act.DOWNLOAD,
    "Download this part…": Act.DOWNLOAD,
    "Release…": Act.RELEASE,
    "Delete…": Act.DELETE,
    "block…": Act.BLOCK,
    "allow…": Act.ALLOW,
}
ANSWERS = {"Approve and release", "Refuse"}


def offered(browser: TestClient, path: str = f"/quarantine/{ID}") -> set[str]:
    page = re.sub("(?s)<header>.*</header>|<dialog.*</dialog>", "", browser.get(path).text)
    return {word.strip() for word in re.findall(r"<(?:a|button)[^>]*>([^<]*(?:…|release|Refuse|again|back))</", page)}


@pytest.mark.parametrize("role", list(Role))
def test_a_page_offers_what_the_role_may(browser: TestClient, desk: StubDesk, people: Users, role: Role) -> None:
    people.set_role("ann", role)
    sign_in(browser)
    may = {words for words, act in OFFERED.items() if role.may(TAKES[act])}
    assert offered(browser) == may | ({"Ask for release…"} if role is Role.ANALYST else set())
    desk.message = held_message(state=HeldState.RELEASED)
    assert ("Send again…" in offered(browser)) is role.may(Role.RELEASER)
    assert bool(offered(browser, "/quarantine")) is role.may(Role.RELEASER)
    assert ('name="id"' in browser.get("/quarantine").text) is role.may(Role.RELEASER)


@pytest.mark.parametrize("role", list(Role))
def test_under_the_rule_of_two_nobody_is_offered_to_release_alone(
    browser: TestClient, desk: StubDesk, people: Users, role: Role
) -> None:
    people.set_role("ann", role)
    desk.two_person = True
    sign_in(browser)
    assert "Release…" not in offered(browser)
    assert ("Ask for release…" in offered(browser)) is role.may(Role.ANALYST)
    assert offered(browser, "/quarantine") == ({"Delete ticked…"} if role.may(Role.RELEASER) else set())
    desk.message = held_message(state=HeldState.RELEASING)
    assert "Send again…" not in offered(browser)


@pytest.mark.parametrize("role", list(Role))
def test_who_may_not_decide_is_not_asked_to(browser: TestClient, desk: StubDesk, people: Users, role: Role) -> None:
    people.set_role("ann", role)
    desk.asked_for = asked("al")
    sign_in(browser)
    answers = ANSWERS if role.may(Role.RELEASER) else set()
    assert offered(browser, f"/quarantine/{ID}/request") == answers
    assert ("approve or refuse" in browser.get(f"/quarantine/{ID}").text) is bool(answers)
    desk.wait = True
    also = {"Release…"} if answers else set()
    assert offered(browser, f"/quarantine/{ID}/request") == answers | also
    desk.asked_for = replace(asked("al"), standing=Standing.APPROVED)
    assert ("Send again" in offered(browser, f"/quarantine/{ID}/request")) is bool(answers)


# --- what somebody asks for and another decides ---


def asked(account: str) -> Asked:
    return Asked(3, account, f"{account} (web)", EVIL, Wish(), EVIL, NOW)


def test_an_analyst_asks_and_does_not_decide(browser: TestClient, desk: StubDesk) -> None:
    sign_in(browser, "al")
    fields = {"form": form_token(browser), "why": "expected", "recipient": "alice@example.com"}
    assert "Asked for" in browser.post(f"/quarantine/{ID}/ask", data=fields).text
    assert desk.done == [("ask", ID, "al (web)", "expected", ("alice@example.com",))]
    assert desk.how == [((), True, False, "")]
    assert browser.post(f"/quarantine/{ID}/ask", data=fields | {"other": "soc@example.com"}).status_code == 409
    for answer in ("approve", "refuse"):
        refused = browser.post(f"/quarantine/{ID}/request", data=fields | {"answer": answer, "number": "3"})
        assert refused.status_code == 403
    assert release(browser).status_code == 403


@pytest.mark.parametrize(
    ("answer", "done"),
    [
        ("approve", ("approve", ID, 3, "ann (web)", "known")),
        ("refuse", ("refuse", ID, 3, "ann (web)", "known")),
        ("take-back", ("take back", ID, 3, "ann (web)")),
        ("send", ("send", ID, 3, "ann (web)")),
    ],
)
def test_an_answer_says_which_request_it_is_about(
    browser: TestClient, desk: StubDesk, answer: str, done: tuple[Any, ...]
) -> None:
    desk.asked_for = asked("al")
    sign_in(browser)
    fields = {"form": form_token(browser), "why": "known", "number": "3", "answer": answer}
    assert browser.get(f"/quarantine/{ID}/request", params=fields).status_code == 200
    assert desk.done == []
    assert browser.post(f"/quarantine/{ID}/request", data=fields).status_code == 200
    assert desk.done == [done]


def test_who_asks_sees_what_todays_rules_say_and_what_the_copy_would_be(browser: TestClient, desk: StubDesk) -> None:
    sign_in(browser, "al")
    desk.look.prospect = replace(desk.look.prospect, worse=True, changes=(Change("2", Action.DISARM, "x.docm"),))
    page = html.unescape(browser.get(f"/quarantine/{ID}/ask").text)
    assert "Today's rules find more in it than there was known" in page
    assert 'value="disarmed" checked' in page
    assert "x.docm: without" in page
    desk.look.prospect = Outlook(trouble="no worker answered", no_copy=EVIL)
    page = browser.get(f"/quarantine/{ID}/ask").text
    assert "gave no verdict</b>: no worker answered" in page
    assert 'value="disarmed" disabled' in page
    assert 'value="original" checked' in page
    assert "<img src=x" not in page


@pytest.mark.parametrize(
    ("answer", "standing"), [("approve", Standing.WAITING), ("send", Standing.APPROVED), ("refuse", Standing.WAITING)]
)
def test_who_decides_sees_todays_verdict_and_answers_for_that_one(
    browser: TestClient, desk: StubDesk, answer: str, standing: Standing
) -> None:
    desk.asked_for = replace(asked("al"), standing=standing, wish=Wish(disarmed=True))
    desk.look.prospect = Outlook("suspicious", "quarantine", "r", "It is worse", worse=True, no_copy="it is signed")
    sign_in(browser)
    page = browser.get(f"/quarantine/{ID}/request").text
    for words in ("It is worse", "find more in it", "cannot be made: it is signed"):
        assert words in page
    assert 'name="verdict" value="suspicious"' in page
    fields = {"form": form_token(browser), "why": "known", "number": "3", "answer": answer, "verdict": "suspicious"}
    assert browser.post(f"/quarantine/{ID}/request", data=fields).status_code == 200
    assert [known for *_, known in desk.how] == ([] if answer == "refuse" else ["suspicious"])


def test_what_nobody_can_look_into_can_still_be_refused(browser: TestClient, desk: StubDesk) -> None:
    desk.asked_for, desk.look.wrong = asked("al"), "Its bytes cannot be read"
    sign_in(browser)
    page = browser.get(f"/quarantine/{ID}/request")
    assert page.status_code == 200
    assert "gave no verdict</b>: Its bytes cannot be read" in page.text
    assert ">Refuse<" in page.text


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.test"}, {"Sec-Fetch-Site": "cross-site"}])
def test_other_sites_cannot_answer(browser: TestClient, desk: StubDesk, headers: dict[str, str]) -> None:
    desk.asked_for = asked("al")
    sign_in(browser)
    fields = {"form": form_token(browser), "why": "known", "number": "3", "answer": "approve"}
    assert browser.post(f"/quarantine/{ID}/request", data=fields, headers=headers).status_code == 403
    assert desk.done == []


def test_the_head_of_each_page_says_how_many_wait(browser: TestClient, desk: StubDesk) -> None:
    sign_in(browser)
    assert 'class="count"' not in browser.get("/").text
    desk.asked_for = asked("al")
    for path in ("/", "/quarantine", "/requests", f"/quarantine/{ID}"):
        assert '<b class="count">1</b>' in browser.get(path).text


@pytest.mark.parametrize("two_person", [True, False])
def test_who_asks_is_not_offered_to_approve_under_the_rule(
    browser: TestClient, desk: StubDesk, two_person: bool
) -> None:
    desk.asked_for, desk.two_person = asked("ann"), two_person
    sign_in(browser)
    page = browser.get(f"/quarantine/{ID}/request").text
    assert ("Approve and release" in page) is not two_person
    assert "Take it back" in page
    assert "<img src=x" not in page
