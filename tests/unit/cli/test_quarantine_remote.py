"""Commands for a gateway elsewhere: what goes wrong on the way is told, and the token goes nowhere else."""

from __future__ import annotations

import asyncio
import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from click.testing import CliRunner, Result

from gateway.cli.iocs import iocs
from gateway.cli.quarantine import quarantine
from gateway.cli.quarantine_remote import RemoteQuarantine, server_at

ID = "0123456789abcdef"
TOKEN = "mgt_" + "a" * 43


@dataclass
class Stub:
    """An HTTP server with one answer."""

    status: int = 200
    kind: str = "application/json"
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    port: int = 0


@pytest.fixture
def stub() -> Iterator[Stub]:
    told = Stub()

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            told.asked.append((self.command, self.path, self.headers.get("Authorization", "")))
            self.send_response(told.status)
            for name, value in {
                "Content-Type": told.kind,
                "Content-Length": str(len(told.body)),
                **told.headers,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(told.body)

        do_GET = do_POST = answer  # noqa: N815 - the names http.server looks for

        def log_message(self, *_: Any) -> None: ...

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        told.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield told
        server.shutdown()
        thread.join()


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(TOKEN + "\n")
    path.chmod(0o600)
    return path


def command(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(quarantine, words)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stderr


@pytest.mark.parametrize(
    ("status", "kind", "body", "code", "sentence"),
    [
        (401, "application/problem+json", b'{"detail": "has expired"}', 3, "has expired"),
        (403, "application/problem+json", b'{"detail": "the scope release"}', 3, "the scope release"),
        (404, "application/problem+json", b'{"detail": "no such message"}', 1, "no such message"),
        (409, "application/problem+json", b'{"detail": "is released"}', 1, "is released"),
        (502, "application/problem+json", b'{"detail": "550 no"}', 3, "550 no"),
        (503, "application/problem+json", b"{", 3, "Service Unavailable"),
        (404, "text/html", b"<html>", 3, "not as a gateway does"),
        (302, "text/html", b"", 3, "not as a gateway does"),
        (200, "text/html", b"<html>", 3, "it is no JSON"),
        (200, "application/json", b"[]", 3, "it is no JSON object"),
        (200, "application/json", b"{}", 3, "another version"),
        (200, "application/json", b"[" * 200_000, 3, "it is no JSON"),
        (200, "application/json", b'{"record": {"held_id": 1}}', 3, "another version"),
    ],
)
def test_what_the_server_says_is_told(
    stub: Stub, token_file: Path, status: int, kind: str, body: bytes, code: int, sentence: str
) -> None:
    stub.status, stub.kind, stub.body = status, kind, body
    stub.headers = {"Location": "https://evil.test/"} if status == 302 else {}
    words = ("show", ID, "--server", f"http://127.0.0.1:{stub.port}", "--token-file", str(token_file))
    got, said = command(*words)
    assert (got, sentence in said) == (code, True), said
    assert TOKEN not in said
    assert stub.asked == [("GET", f"/api/v1/messages/{ID}", f"Bearer {TOKEN}")]


def test_a_server_below_a_path_and_odd_ids(stub: Stub, token_file: Path) -> None:
    server = ("--server", f"http://localhost:{stub.port}/mail/", "--token-file", str(token_file))
    command("show", "../../today", *server)
    assert stub.asked[0][1] == "/mail/api/v1/messages/..%2F..%2Ftoday"


def test_nobody_there(stub: Stub, token_file: Path) -> None:
    code, said = command("list", "--server", "http://127.0.0.1:1", "--token-file", str(token_file))
    assert (code, "cannot be reached" in said) == (3, True)


def test_the_environment_names_it_too(stub: Stub, token_file: Path) -> None:
    stub.body = json.dumps({"items": [], "older": None, "newer": None}).encode()
    environment = {"MACROGATE_SERVER": f"http://127.0.0.1:{stub.port}", "MACROGATE_TOKEN_FILE": str(token_file)}
    words = [
        "list",
        "--sender",
        "a&b",
        "--verdict",
        "macro",
        "--state",
        "held",
        "--limit",
        "7",
        "--since",
        "2026-11-22",
        "--until",
        "2026-11-23T10:30+02:00",
        "--text",
        "two words",
        "--macro",
        "cd" * 32,
        "--file",
        "ab" * 32,
    ]
    assert CliRunner().invoke(quarantine, words, env=environment).exit_code == 0
    assert dict(parse_qsl(urlsplit(stub.asked[0][1]).query)) == {
        "state": "held",
        "sender": "a&b",
        "verdict": "macro",
        "limit": "7",
        "text": "two words",
        "since": "2026-11-22T00:00:00+00:00",
        "until": "2026-11-23T10:30:00+02:00",
        "campaign": "cd" * 32,
        "file": "ab" * 32,
    }


def test_whoever_takes_a_message_tells_the_server_why(stub: Stub, token_file: Path, tmp_path: Path) -> None:
    server = ("--server", f"http://127.0.0.1:{stub.port}", "--token-file", str(token_file))
    assert command("export", ID, "-o", str(tmp_path / "sample.eml"), *server)[0] == 2
    assert command("show", ID, "--raw", *server)[0] == 2
    assert stub.asked == []
    remote = RemoteQuarantine(server_at(server[1], plain=False), TOKEN)
    with asyncio.run(remote.open_message(ID, why="ticket 7 & 8")) as file:
        assert file.read() == b"{}"
    assert stub.asked[0][1] == f"/api/v1/messages/{ID}/raw?why=ticket+7+%26+8"


@pytest.mark.parametrize(
    "url",
    [
        "gw.example.com",
        "ftp://gw.example.com",
        "https://",
        "https://gw.example.com:port",
        "https://me:pw@gw.example.com",
        "https://gw.example.com/?token=x",
        "http://gw.example.com",
        "http://192.0.2.1:8025",
        "https://[::1",
    ],
)
def test_odd_servers_are_refused(url: str, token_file: Path) -> None:
    code, said = command("list", "--server", url, "--token-file", str(token_file))
    assert (code, "Error" in said) == (2, True)


def test_http_is_for_loopback_unless_told() -> None:
    for url in ("http://127.0.0.1:8025", "http://[::1]:8025", "http://localhost", "https://gw.example.com"):
        assert server_at(url, plain=False)
    assert server_at("http://gw.example.com", plain=True).scheme == "http"


@pytest.mark.parametrize(
    ("text", "mode", "sentence"),
    [
        (TOKEN, 0o644, "can be read by others"),
        ("", 0o600, "holds no token"),
        ("password", 0o600, "holds no token"),
        (f"{TOKEN} {TOKEN}", 0o600, "holds no token"),
        ("mgt_ü" + "a" * 42, 0o600, "holds no token"),
        (None, 0o600, "cannot be read"),
    ],
)
def test_odd_token_files_are_refused(stub: Stub, token_file: Path, text: str | None, mode: int, sentence: str) -> None:
    if text is None:
        token_file.unlink()
    else:
        token_file.write_text(text)
        token_file.chmod(mode)
    server = ("--server", f"http://127.0.0.1:{stub.port}")
    code, said = command("list", *server, "--token-file", str(token_file))
    assert (code, sentence in said) == (2, True), said
    assert stub.asked == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("list", "--config", "x"), "use one of them"),
        (("release", ID, "--why", "x", "--next-hop", "127.0.0.1:25"), "another knows its own"),
    ],
)
def test_what_is_for_this_machine_only_is_said(
    stub: Stub, token_file: Path, words: tuple[str, ...], sentence: str
) -> None:
    server = ("--server", f"http://127.0.0.1:{stub.port}", "--token-file", str(token_file))
    code, said = command(*words, *server)
    assert (code, sentence in said) == (2, True), said
    assert command("list", *server[:2])[0] == 2
    assert stub.asked == []


NOTES = {"indicators": {"domain": 1}, "left_out": {"our own": 2}, "not_read": 0}


def indicators(stub: Stub, token_file: Path, *words: str) -> Result:
    server = ["--server", f"http://127.0.0.1:{stub.port}", "--token-file", str(token_file)]
    return CliRunner().invoke(iocs, [*words, *server])


def test_indicators_of_a_gateway_elsewhere(stub: Stub, token_file: Path, tmp_path: Path) -> None:
    stub.body, stub.headers = b'"evil.example.org"\r\n', {"Macrogate-Notes": json.dumps(NOTES)}
    words = ("--format", "csv", "--since", "2026-11-22", "--except", "a.example", "--except", "b.example")
    told = indicators(stub, token_file, *words)
    assert (told.exit_code, told.stdout_bytes) == (0, stub.body)
    assert told.stderr == "1 indicators: 0 sha256, 0 url, 1 domain, 0 ip\nleft out: 2 our own\n"
    assert dict(parse_qsl(urlsplit(stub.asked[0][1]).query)) == {
        "format": "csv",
        "verdict": "autoexec,suspicious",
        "except": "a.example,b.example",
        "since": "2026-11-22T00:00:00+00:00",
    }
    output = tmp_path / "list.csv"
    stub.headers = {"Macrogate-Notes": json.dumps(NOTES | {"not_read": 3})}
    told = indicators(stub, token_file, "--format", "csv", "--output", str(output))
    assert (told.exit_code, output.read_bytes(), "not read: 3 records" in told.stderr) == (3, stub.body, True)


@pytest.mark.parametrize("notes", ["", "x", "[]", "[" * 9000])
def test_an_answer_without_notes_is_no_list(stub: Stub, token_file: Path, tmp_path: Path, notes: str) -> None:
    stub.headers = {"Macrogate-Notes": notes}
    told = indicators(stub, token_file, "--output", str(tmp_path / "list.json"))
    assert (told.exit_code, "another version" in told.stderr) == (3, True)
    assert not (tmp_path / "list.json").exists()


def test_odd_notes_are_told_as_far_as_they_go(stub: Stub, token_file: Path) -> None:
    odd = {"indicators": 7, "left_out": {"\x1b[31m": "many"}, "not_read": "all"}
    stub.headers = {"Macrogate-Notes": json.dumps(odd)}
    told = indicators(stub, token_file)
    assert (told.exit_code, told.stderr) == (0, "0 indicators: 0 sha256, 0 url, 0 domain, 0 ip\nleft out: 0 ?[31m\n")


def test_a_refused_list_replaces_no_file(stub: Stub, token_file: Path, tmp_path: Path) -> None:
    output = tmp_path / "list.zone"
    output.write_text("the old one")
    stub.status, stub.kind = 409, "application/problem+json"
    stub.body = b'{"detail": "More than 20000 messages were stopped"}'
    told = indicators(stub, token_file, "--format", "rpz", "--output", str(output))
    assert (told.exit_code, "More than 20000" in told.stderr, output.read_text()) == (1, True, "the old one")
