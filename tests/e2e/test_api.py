"""The API of a gateway as it runs: by a program of somebody's own, by ``macrogate quarantine --server``, by all of
schemathesis."""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import schemathesis
from click.testing import CliRunner
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi.checks import ignored_auth

from gateway.cli.iocs import iocs
from gateway.cli.quarantine import quarantine
from gateway.samples import mail
from gateway.web.api.tokens import Scope
from gateway.web.people import Role
from gateway.web.users import Users
from tests.e2e.conftest import Pair
from tests.e2e.gateway import COMMAND
from tests.e2e.talk import send
from tests.e2e.tools import eventually
from tests.explore import EXAMPLES, explore

Start = Callable[..., Pair]


def token(running: Pair, *scopes: Scope) -> str:
    """A new token of a releaser, by command."""
    Users(running.gateway.folder / "users.json").put("ann", Role.RELEASER, "correct horse battery")
    words = ("token", "add", f"t{len(scopes)}", "--user", "ann", "--scope", ",".join(scopes))
    return running.gateway.run(*words).strip()


def hold(running: Pair) -> bytes:
    """One held message."""
    message = mail.docm_autoopen_message("sender@outside.test", "alice@example.com")
    assert "Held" in send(running.gateway.port, message, "alice@example.com")
    return message


def ask(running: Pair, secret: str, path: str, body: object = None) -> tuple[int, Any]:
    """One request, as a script would make it; status and JSON."""
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{running.gateway.http}/api/v1{path}", data, headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_a_program_finds_understands_and_releases(pair: Start) -> None:
    running = pair()
    message, secret = hold(running), token(running, *Scope)
    status, page = ask(running, secret, "/messages?verdict=autoexec&sender=OUTSIDE")
    assert (status, len(page["items"]), page["older"]) == (200, 1, None)
    held_id = page["items"][0]["id"]
    status, details = ask(running, secret, f"/messages/{held_id[:6]}")
    assert (status, details["record"]["report"]["findings"][0]["kind"]) == (200, "vba-autoexec")
    assert [entry["what"] for entry in details["history"]] == ["kept"]
    (source,) = ask(running, secret, f"/messages/{held_id}/source")[1]["items"]
    assert (source["language"], "AutoOpen" in source["text"]) == ("vba", True)
    assert "To: alice@example.com" in ask(running, secret, f"/messages/{held_id}/text")[1]["header"]
    assert ask(running, secret, f"/messages/{held_id}/outlook")[1]["verdict"] == "autoexec"
    mark = details["record"]["report"]["findings"][0]["fingerprint"]
    file = next(part["sha256"] for part in details["record"]["report"]["parts"] if part["verdict"] == "autoexec")
    assert ask(running, secret, f"/messages/count?campaign={mark}&file={file}&since=2026-01-01")[1]["count"] == 1
    with ThreadPoolExecutor(6) as pool:
        wish = {"why": "expected"}
        told = list(pool.map(lambda _: ask(running, secret, f"/messages/{held_id}/release", wish), range(6)))
    assert sorted(status for status, _ in told) == [200, 409, 409, 409, 409, 409]
    assert all(f"{held_id} is rele" in answer["detail"] for status, answer in told if status == 409)
    eventually("the message at the next hop", lambda: len(running.hop.messages) == 1)
    assert running.hop.messages[0].data == message
    history = ask(running, secret, f"/messages/{held_id}")[1]["history"]
    assert (history[-1]["what"], history[-1]["who"]) == ("released", "ann (api)")
    hold(running)
    (other,) = ask(running, secret, "/messages")[1]["items"]
    similar = ask(running, secret, f"/messages/{other['id']}/similar")[1]["items"]
    assert [(one["message"]["id"], one["common"]) for one in similar] == [
        (held_id, "same macro, same file, same sender")
    ]
    told = ask(running, secret, "/several/delete", {"ids": [held_id, other["id"]], "why": "spam"})[1]
    assert [item["status"] for item in told["items"]] == [409, 200]
    assert running.gateway.run("token", "list").endswith("Z\n")  # its use was noted


def test_a_gateway_elsewhere_is_commanded_like_ours(pair: Start, tmp_path: Path) -> None:
    running = pair()
    message = hold(running)
    file = tmp_path / "token"
    file.touch(0o600)
    file.write_text(token(running, *Scope))
    where = ["--server", f"http://127.0.0.1:{running.gateway.http}", "--token-file", str(file)]

    def told(*words: str, code: int = 0) -> str:
        done = CliRunner().invoke(quarantine, words)
        assert done.exit_code == code, f"{words}\n{done.output}"
        return done.output

    def there(*words: str, code: int = 0) -> str:
        return told(*words, *where, code=code)

    def here(*words: str) -> str:
        return told(*words, "--config", str(running.gateway.configuration))

    command = [str(COMMAND), "quarantine", "list", *where]
    listed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert listed.stdout == here("list")
    held_id = running.gateway.held()[0]["id"]
    for words in (("list",), ("list", "--json"), ("show", held_id[:5]), ("show", held_id, "--json")):
        assert there(*words) == here(*words)
    assert there("list", "--since", "1h", "--state", "held", "--state", "deleted") == here("list")
    assert there("list", "--until", "1h") == there("list", "--state", "released") == ""
    for form in ("json", "csv", "misp", "stix"):
        lists = [
            CliRunner().invoke(iocs, ["--format", form, *place])
            for place in (where, ["--config", str(running.gateway.configuration)])
        ]
        assert [one.exit_code for one in lists] == [0, 0]
        assert lists[0].stdout == lists[1].stdout
        assert lists[0].stderr == lists[1].stderr
    sample = tmp_path / "sample.eml"
    assert "do not open it" in there("export", held_id, "--why", "for the sandbox", "-o", str(sample))
    assert sample.read_bytes() == message
    assert "no held message" in there("show", "ffff", code=1)
    assert "250" in there("release", held_id[:5], "--why", "expected")
    eventually("the message at the next hop", lambda: len(running.hop.messages) == 1)
    assert running.hop.messages[0].data == message
    assert f"{held_id} is released" in there("release", held_id, "--why", "again", code=1)
    hold(running)
    other = running.gateway.held()[0]["id"]
    assert there("delete", other, "--why", "phishing") == f"{other} deleted\n"
    assert running.gateway.held("--state", "deleted")[0]["id"] == other


def test_the_running_gateway_keeps_the_promises_of_its_document(pair: Start) -> None:
    running = pair()
    hold(running)
    secret = token(running, Scope.READ, Scope.DOWNLOAD)
    load_all_checks()
    schema = schemathesis.openapi.from_url(f"http://127.0.0.1:{running.gateway.http}/api/v1/openapi.json")
    held_id = running.gateway.held()[0]["id"]
    headers = {"Authorization": f"Bearer {secret}"}
    seen = explore(schema, headers, held_id, EXAMPLES // 2, excluded_checks=[ignored_auth])  # after 20 it hears 429
    assert {
        ("showMessage", 200),
        ("downloadMessage", 200),
        ("releaseMessage", 403),
        ("addException", 403),
        ("listMessages", 422),
    } <= seen
    assert running.gateway.held()[0]["state"] == "held"
