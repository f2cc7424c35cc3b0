"""Sign-in at a real OpenID provider, on another site than the pages, in a real browser."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from gateway.samples import mail
from gateway.web.people import Role
from gateway.web.users import Users
from tests.e2e.browser import Watched, chromium
from tests.e2e.gateway import GatewayProcess
from tests.e2e.hop import hop_thread
from tests.e2e.talk import send
from tests.e2e.tools import find, free_port, need, unavailable
from tests.proof.zygote import WarmGateway

PROGRAM = Path(__file__).parent / "provider"
SECRET = "a client secret"
PASSWORD = "correct horse battery"
SCOPES = '["openid", "profile", "groups"]'
OLDEST_NODE = (20, 12)  # crypto.hash; Debian 12 has 18, Debian 13 has 20.19
ROLES = '{ "mail-desk" = "releaser", "watchers" = "viewer" }'


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def program() -> Path:
    """The provider's program, with the packages of its lock file beside it; kept for the next run."""
    need("node", "npm")
    said = subprocess.run(
        [str(find("node")), "--version"], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    if tuple(map(int, re.findall(r"\d+", said)[:2])) < OLDEST_NODE:
        unavailable(f"oidc-provider, which this test signs in at, needs node 20.12 or newer; here is {said.strip()}")
    names = ("package.json", "package-lock.json", "provider.mjs")
    digest = hashlib.sha256(b"".join((PROGRAM / name).read_bytes() for name in names)).hexdigest()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "macrogate-tests"
    kept = cache / f"provider-{digest[:16]}"
    if kept.is_dir():
        return kept / "provider.mjs"
    cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = Path(tempfile.mkdtemp(dir=cache))
    for name in names:
        shutil.copy(PROGRAM / name, folder)
    command = [str(find("npm")), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        shutil.rmtree(folder)
        unavailable(f"npm ci cannot install oidc-provider, which this test signs in at: {done.stderr[-500:]}")
    folder.rename(kept)
    return kept / "provider.mjs"


@contextmanager
def provider(program: Path, port: int, home: str) -> Iterator[None]:
    """It runs until the end; what it says is told if it does not start."""
    command = [str(find("node")), str(program), str(port), home, SECRET]
    pipe = subprocess.PIPE
    with (
        tempfile.TemporaryFile("w+") as said,
        subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=said, text=True) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            if "ready\n" not in iter(process.stdout.readline, ""):
                said.seek(0)
                pytest.fail(f"the provider does not start:\n{said.read()[-2000:]}")
            yield
        finally:
            process.stdin.close()
            process.wait(20)


@dataclass
class Running:
    """A gateway and its provider: ``localhost`` and ``127.0.0.1`` are two sites to a browser."""

    gateway: GatewayProcess
    home: str
    issuer: str
    stack: ExitStack

    def opened(self, browser: Browser) -> Watched:
        """A browser nobody has used before."""
        page = browser.new_context(base_url=self.home).new_page()
        return Watched(page, (self.home, self.issuer))


@pytest.fixture
def running(program: Path) -> Iterator[Running]:
    with ExitStack() as stack:
        hop = stack.enter_context(hop_thread())
        gateway = WarmGateway(f'next_hop = "{hop.address}"')
        stack.callback(gateway.remove)
        home, port = f"http://localhost:{gateway.http}", free_port()
        issuer = f"http://127.0.0.1:{port}"
        (gateway.folder / "oidc.secret").write_text(f"{SECRET}\n")
        (gateway.folder / "oidc.secret").chmod(0o600)
        oidc = f'issuer = "{issuer}", client_id = "macrogate", client_secret = "oidc.secret", roles = {ROLES}'
        http = f'[http]\npublic_url = "{home}"\noidc = {{ {oidc}, scopes = {SCOPES} }}\n'
        text = gateway.configuration.read_text()
        gateway.configuration.write_text(text.replace("[http]\n", http))
        away = stack.enter_context(ExitStack())
        away.enter_context(provider(program, port, home))
        gateway.start()
        yield Running(gateway, home, issuer, away)


def say(page: Page, running: Running, name: str) -> None:
    """Go to the provider and say who one is."""
    page.get_by_role("link", name=f"Sign in with {running.issuer.removeprefix('http://')}").click()
    at_the_provider(page, name)


def at_the_provider(page: Page, name: str) -> None:
    expect(page.get_by_role("heading", name="Who are you?")).to_be_visible()
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="It is me").click()


def who(page: Page) -> str:
    shown = page.locator("form.who span")
    expect(shown).to_be_visible()
    return f"{shown.text_content()}, {shown.get_attribute('title')}"


def test_somebody_signs_in_releases_and_signs_out_there_as_well(browser: Browser, running: Running) -> None:
    gateway = running.gateway
    message = mail.docm_autoopen_message("sender@outside.test", "alice@example.com")
    assert "Held" in send(gateway.port, message, "alice@example.com")
    held = gateway.event("message")["held"]
    watched = running.opened(browser)
    page = watched.page
    page.goto(f"/quarantine/{held}")
    say(page, running, "ann")
    expect(page).to_have_url(f"{running.home}/quarantine/{held}")
    assert who(page) == "ann of the provider, releaser"
    page.get_by_role("link", name="Release…").click()
    page.get_by_label("the original").check()
    page.get_by_label("Reason").fill("it is expected")
    page.get_by_role("button", name="Release").click()
    expect(page.get_by_role("heading", name="Released")).to_be_visible()
    page.goto(f"/quarantine/{held}")
    expect(page.get_by_text("ann of the provider (oidc ann)").first).to_be_visible()
    account = f"{running.issuer}#ann"
    gateway.event("signed-in", who="ann of the provider (oidc ann)", account=account, role="releaser")
    cookies = {cookie["name"]: cookie for cookie in page.context.cookies(running.home)}
    assert set(cookies) == {"macrogate_session"}
    assert (cookies["macrogate_session"]["sameSite"], cookies["macrogate_session"]["httpOnly"]) == ("Strict", True)

    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Leave").click()
    expect(page).to_have_url(re.compile(re.escape(f"{running.home}/sign-in")))
    page.goto("/quarantine")
    say(page, running, "vic")  # signed out there too, or nobody would be asked
    assert who(page) == "vic of the provider, viewer"
    page.goto(f"/quarantine/{held}")
    expect(page.get_by_role("heading", name="What was found")).to_be_visible()
    expect(page.get_by_role("link", name="Release…")).to_have_count(0)
    assert watched.wrong == []
    page.context.close()


def test_who_has_no_role_is_told_and_may_be_somebody_else(browser: Browser, running: Running) -> None:
    page = running.opened(browser).page
    page.goto("/")
    say(page, running, "eve")
    expect(page.get_by_role("heading", name="Not let in")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("none of the groups it names for you (1) has a role here")
    running.gateway.event("sign-in-refused", issuer=running.issuer)
    page.goto("/quarantine")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_role("link", name=re.compile("Sign in with")).click()  # the provider knows eve still and asks nobody
    expect(page.get_by_role("heading", name="Not let in")).to_be_visible()
    page.get_by_role("link", name="Sign in as somebody else").click()
    at_the_provider(page, "vic")
    assert who(page) == "vic of the provider, viewer"
    page.context.close()


def test_who_refuses_at_the_provider_is_back_and_nobody(browser: Browser, running: Running) -> None:
    page = running.opened(browser).page
    page.goto("/sign-in/oidc")
    page.get_by_role("button", name="Nobody").click()
    expect(page.get_by_role("alert")).to_contain_text("it says access_denied")
    page.get_by_role("link", name="Back to the sign-in").click()
    expect(page.get_by_role("link", name=re.compile("Sign in with"))).to_be_visible()
    page.context.close()


def test_with_the_provider_away_passwords_still_work(browser: Browser, running: Running) -> None:
    Users(running.gateway.folder / "users.json").put("bob", Role.RELEASER, PASSWORD)
    running.stack.close()
    page = running.opened(browser).page
    page.goto("/quarantine")
    page.get_by_role("link", name=re.compile("Sign in with")).click()
    expect(page.get_by_role("alert")).to_contain_text("cannot sign anybody in at the moment")
    running.gateway.event("provider-failed", issuer=running.issuer)
    page.get_by_role("link", name="Back to the sign-in").click()
    page.get_by_label("User name").fill("bob")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    assert who(page) == "bob, releaser"
    page.context.close()
