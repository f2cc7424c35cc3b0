"""``macrogate keys``: a key that can be used, its record, and what DNS has."""

import re
import stat
from pathlib import Path

import dns.rdata
import pytest
from click.testing import CliRunner

from gateway.authentication.secret import BadKey, load
from gateway.cli import main
from gateway.cli.keys import compared
from gateway.closed_sets import AuthResult
from gateway.message import Answer

NAMES = ["--domain", "example.com", "--selector", "arc1"]


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, ["keys", *arguments])
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_a_key_is_written_and_shown(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "key.pem"
    code, shown, _ = run("generate", *NAMES, "--type", kind, str(file))
    assert code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert run("show", *NAMES, str(file)) == (0, shown, "")
    key = load(file, "example.com", "arc1")
    assert shown.startswith("arc1._domainkey.example.com. IN TXT ( ")
    record = dns.rdata.from_text("IN", "TXT", " ".join(re.findall(r'"[^"]*"', shown)))
    assert b"".join(record.strings).decode() == key.record
    assert "PRIVATE" not in shown + repr(key)


def test_a_key_is_never_written_over(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_text("precious")
    code, _, said = run("generate", *NAMES, str(file))
    assert (code, file.read_text()) == (2, "precious")
    assert "is there already" in said


@pytest.mark.parametrize(
    ("content", "mode", "sentence"),
    [
        (b"no key", 0o600, "no private key in PEM"),
        (b"", 0o644, "others may read or change"),
        (None, 0, "cannot be read: No such file"),
    ],
)
def test_bad_files(tmp_path: Path, content: bytes | None, mode: int, sentence: str) -> None:
    file = tmp_path / "key.pem"
    if content is not None:
        file.write_bytes(content)
        file.chmod(mode)
    with pytest.raises(BadKey, match=re.escape(sentence)):
        load(file, "example.com", "arc1")
    assert run("show", *NAMES, str(file))[0] == 2


def test_bad_names(tmp_path: Path) -> None:
    for domain, selector in (("exa mple", "s"), ("example.com", "s/1"), (".".join(["a" * 60] * 4), "b" * 60)):
        code, _, said = run("generate", "--domain", domain, "--selector", selector, str(tmp_path / "key.pem"))
        assert (code, (tmp_path / "key.pem").exists()) == (2, False)
        assert "DNS" in said


def test_compared_with_dns(tmp_path: Path) -> None:
    run("generate", *NAMES, str(tmp_path / "key.pem"))
    key = load(tmp_path / "key.pem", "example.com", "arc1")

    def code(result: AuthResult, *texts: str) -> int:
        return compared(key, Answer(key.name, result, texts, "DNS is down"))[0]

    assert code(AuthResult.PASS, key.record) == 0
    assert code(AuthResult.PASS, key.record.replace("; ", ";")) == 0
    assert code(AuthResult.PASS) == 1
    assert code(AuthResult.PASS, "v=DKIM1; p=AAAA") == 1
    assert code(AuthResult.PASS, key.record, "v=spf1 -all") == 1
    assert code(AuthResult.TEMPERROR) == 3
