"""``macrogate check-config``, run as a command."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.check import check_config, summary
from gateway.config import Http, Settings
from gateway.policy import Policy
from tests.stubs.provider import provider


def written(folder: Path, text: str) -> str:
    path = folder / "macrogate.toml"
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


def test_fine(tmp_path: Path) -> None:
    result = CliRunner().invoke(check_config, ["--config", written(tmp_path, '[scan]\non_failure = "deliver"')])
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("fine\n")
    for word in (
        "127.0.0.1:10024",
        "127.0.0.1:10025",
        "DELIVERED UNEXAMINED",
        "balanced, 5 rules",
        "autoexec: A document",
    ):
        assert word in result.stdout


def test_rules_on_trial_are_named() -> None:
    settings = Settings()
    text = settings.policy.file.read_text().replace('action = "tag"', 'mode = "shadow"\naction = "tag"')
    assert any("(on trial)" in line for line in summary(settings, Policy.parse(text, base=None)))


def test_every_mistake_at_once(tmp_path: Path) -> None:
    result = CliRunner().invoke(check_config, ["--config", written(tmp_path, "[smtp]\nx = 1\nmax_recipients = 0")])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "smtp.x:" in result.stderr
    assert "smtp.max_recipients:" in result.stderr
    assert result.stderr.endswith("2 wrong\n")


def test_mistakes_in_the_notices(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("short")
    secret.chmod(0o600)
    (tmp_path / "disarm.en.txt").write_text("{name} lost {removed}: {held_id}, ask {contact} or {lnik}")
    (tmp_path / "strip.de.txt").write_text("Fort.")
    (tmp_path / "strip.txt").write_text("{name}")
    text = '[notice]\ntemplates = "."\nlink = "https://x.example"\nsecret = "secret"'
    result = CliRunner().invoke(check_config, ["--config", written(tmp_path, text)])
    assert result.exit_code == 2
    for sentence in (
        "disarm.en.txt: has {lnik}, which this notice does not know",
        "strip.de.txt: does not say {contact}",
        "strip.txt: is no template; they are called disarm.en.txt",
        "secret: shorter than 32 characters",
    ):
        assert sentence in result.stderr


def test_own_notices_are_fine(tmp_path: Path) -> None:
    (tmp_path / "strip.en.txt").write_text("{name} is gone. Ask {contact} for {held_id}.")
    result = CliRunner().invoke(check_config, ["--config", written(tmp_path, '[notice]\ntemplates = "."')])
    assert (result.exit_code, result.stderr) == (0, "")
    german = '[notice]\ntemplates = "."\nlanguage = "de"'
    result = CliRunner().invoke(check_config, ["--config", written(tmp_path, german)])
    assert "has neither disarm.de.txt nor strip.de.txt" in result.stderr


def test_a_secret_that_others_can_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s" * 64)
    (tmp_path / "secret").chmod(0o640)
    text = '[notice]\nlink = "https://x.example"\nsecret = "secret"'
    result = CliRunner().invoke(check_config, ["--config", written(tmp_path, text)])
    assert "others than its owner may read it" in result.stderr
    (tmp_path / "secret").chmod(0o600)
    assert CliRunner().invoke(check_config, ["--config", written(tmp_path, text)]).exit_code == 0


def test_mistakes_of_both_rule_files(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text("x = 1")
    result = CliRunner().invoke(check_config, ["--config", written(tmp_path, '[policy]\nrules = "."')])
    assert result.exit_code == 2
    assert "policy.toml: x: there is no such key" in result.stderr
    assert "policy.toml: no rule decides about every autoexec message" in result.stderr
    assert "triggers.toml: cannot be read: No such file" in result.stderr


@contextmanager
def next_hop(rcpt: str, extensions: str = "PIPELINING") -> Iterator[int]:
    """One conversation with an MTA that answers RCPT with ``rcpt``."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = server.accept()
        with connection, connection.makefile("rwb") as stream:
            stream.write(b"220 hop ESMTP\r\n")
            stream.flush()
            for line in stream:
                word = line.split()[0].upper()
                answer = {
                    b"EHLO": f"250-hop\r\n250 {extensions}",
                    b"RCPT": rcpt,
                    b"QUIT": "221 bye",
                    b"XCLIENT": "220 hop",
                }
                stream.write(answer.get(word, "250 ok").encode() + b"\r\n")
                stream.flush()
                if word == b"QUIT":
                    return

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        thread.join(10)
        server.close()


@pytest.mark.parametrize(
    ("rcpt", "xclient", "code", "words"),
    [
        ("554 5.7.1 Relay access denied", "false", 0, "it does not relay for strangers: 554 5.7.1 Relay access denied"),
        ("250 ok", "false", 0, "right only because the MTA in front"),
        ("554 no", "true", 0, "it does not relay for strangers"),
        ("250 ok", "true", 3, "OPEN RELAY"),
    ],
)
def test_probe(tmp_path: Path, rcpt: str, xclient: str, code: int, words: str) -> None:
    with next_hop(rcpt, "XCLIENT NAME ADDR PORT HELO PROTO") as port:
        text = f'[smtp]\nnext_hop = "127.0.0.1:{port}"\nxclient = {xclient}'
        result = CliRunner().invoke(check_config, ["--probe", "--config", written(tmp_path, text)])
    assert result.exit_code == code, result.output
    assert words in result.output


def test_probe_of_nobody(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    text = f'[smtp]\nnext_hop = "127.0.0.1:{port}"'
    result = CliRunner().invoke(check_config, ["--probe", "--config", written(tmp_path, text)])
    assert result.exit_code == 3
    assert f"next hop 127.0.0.1:{port}: " in result.stderr


@pytest.mark.parametrize(
    ("listen", "public_url", "told"),
    [
        ("127.0.0.1:8025", "", False),
        ("0.0.0.0:8025", "", True),
        ("0.0.0.0:8025", "http://gate.test", True),
        ("0.0.0.0:8025", "https://gate.test", False),
        ("", "", False),
    ],
)
def test_pages_in_plain_http_for_other_machines_are_told(listen: str, public_url: str, told: bool) -> None:
    settings = Settings(http=Http(listen=listen, public_url=public_url))
    lines = list(summary(settings, Policy.load(settings.policy.file)))
    assert any("passwords of the pages can be read" in line for line in lines) is told


def test_who_names_users_in_a_header_is_told() -> None:
    settings = Settings(http=Http(user_header="X-Remote-User", trusted_proxies=("192.0.2.1",)))
    lines = "\n".join(summary(settings, Policy.load(settings.policy.file)))
    assert "to the pages whomever 192.0.2.1/32 names in X-Remote-User" in lines


def test_a_provider_is_named_and_one_that_cannot_be_used_is_doubted(tmp_path: Path) -> None:
    (tmp_path / "oidc.secret").write_text("x")
    (tmp_path / "oidc.secret").chmod(0o640)

    def checked(issuer: str) -> Result:
        keys = f'issuer = "{issuer}"\nclient_id = "m"\nclient_secret = "oidc.secret"\nroles = {{ desk = "releaser" }}\n'
        text = f'[http]\npublic_url = "https://gate.test"\n[http.oidc]\n{keys}'
        return CliRunner().invoke(check_config, ["--config", written(tmp_path, text)])

    with provider() as fake:
        result = checked(fake.issuer)
        assert (result.exit_code, result.stderr) == (0, "")
        assert f"signs in   to the pages whom {fake.issuer} vouches for: desk as releaser" in result.stdout
        assert fake.asked == ["/.well-known/openid-configuration", "/keys"]
        wrong = checked(f"{fake.issuer}/")
        assert wrong.exit_code == 0, "mail flows without the provider"
        assert f"calls itself '{fake.issuer}', and the configuration calls it '{fake.issuer}/'" in wrong.stderr
        fake.instead["/keys"] = (404, b"{}", {})
        assert "keys answers with status 404" in checked(fake.issuer).stderr
    assert "cannot be reached" in checked(fake.issuer).stderr


def test_receivers_of_the_log_are_named_and_those_that_cannot_be_there_doubted(tmp_path: Path) -> None:
    (tmp_path / "good").mkdir()
    good = f'[log]\nfile = "{tmp_path}/good/x"\nsyslog = "udp:127.0.0.1:514"\nhttp = "http://127.0.0.1:1/"'
    result = CliRunner().invoke(check_config, ["--config", written(tmp_path, good)])
    assert (result.exit_code, result.stderr) == (0, "")
    assert f"stderr as json, {tmp_path}/good/x, syslog at udp:127.0.0.1:514, http://127.0.0.1:1/" in result.stdout

    for bad, sentence in {
        f'file = "{tmp_path}/none/x"': f"log.file: there is no folder {tmp_path}/none",
        f'file = "{tmp_path}/good"': "is no regular file",
        f'syslog = "unix:{tmp_path}/log"': "log.syslog: there is no socket",
        'syslog = "tcp:nowhere.invalid:601"': "log.syslog: nowhere.invalid cannot be looked up",
        'http = "https://nowhere.invalid/"': "log.http: nowhere.invalid cannot be looked up",
    }.items():
        result = CliRunner().invoke(check_config, ["--config", written(tmp_path, f"[log]\n{bad}")])
        assert result.exit_code == 0, "the daemon has to start while a name server is away"
        assert sentence in result.stderr
