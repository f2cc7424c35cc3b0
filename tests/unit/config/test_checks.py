"""Settings that parse one by one and cannot work together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import trustme

from gateway.config import ConfigError, Settings, load
from gateway.config.checks import LONGEST_ANSWER, problems


def keys(**sections: dict[str, Any]) -> list[str]:
    return [found[0] for found, _ in problems(Settings.model_validate(sections))]


def test_defaults_have_no_problem() -> None:
    assert keys() == []


@pytest.mark.parametrize(("seconds", "expected"), [(LONGEST_ANSWER - 50, []), (LONGEST_ANSWER - 49, ["scan.timeout"])])
def test_an_answer_comes_before_the_client_gives_up(seconds: float, expected: list[str]) -> None:
    assert keys(smtp={"next_hop_timeout": seconds}) == expected


def test_edge_position_with_xclient_is_fine() -> None:
    assert keys(smtp={"listen": "0.0.0.0:25", "next_hop": "127.0.0.1:10025", "xclient": True}) == []
    assert keys(smtp={"listen": "[::]:25", "next_hop": "unix:/run/postfix", "xclient": True}) == []


def test_unix_listener_needs_no_xclient() -> None:
    assert keys(smtp={"listen": "unix:/run/macrogate/smtp.sock"}) == []


def test_who_names_users_in_a_header_has_to_be_trusted() -> None:
    assert keys(http={"user_header": "X-Remote-User"}) == ["http.user_header"]
    assert keys(http={"user_header": "X-Remote-User", "trusted_proxies": ["192.0.2.1"]}) == []
    assert keys(http={"user_header": "X-Remote-User", "trusted_proxies": ["0.0.0.0/0"]}) == ["http.trusted_proxies"]


def test_one_port_for_two_listeners() -> None:
    assert keys(smtp={"listen": "127.0.0.1:8025"}) == ["http.listen"]
    assert keys(smtp={"listen": "0.0.0.0:8025", "xclient": True}) == ["http.listen"]
    assert keys(smtp={"listen": "127.0.0.1:0"}, http={"listen": "127.0.0.1:0"}) == []


def test_a_link_has_a_secret_and_a_secret_a_link() -> None:
    link, secret = {"link": "https://x.example/?a=b"}, {"secret": "/x"}
    assert [found for found, _ in problems(Settings.model_validate({"notice": link}))] == [("notice.secret",)]
    assert [found for found, _ in problems(Settings.model_validate({"notice": secret}))] == [("notice.link",)]
    assert keys(notice=link | secret) == []


@pytest.mark.parametrize(
    "link", ["mail.example", "javascript:alert(1)", "https://", "https://x.example/a b", "ftp://x"]
)
def test_what_no_mail_program_opens_is_no_link(link: str) -> None:
    assert ("notice.link",) in [found for found, _ in problems(Settings.model_validate({"notice": {"link": link}}))]


def test_digests_need_domains_and_a_sender() -> None:
    found = "\n".join(sentence for _, sentence in problems(Settings.model_validate({"digest": {"enabled": True}})))
    assert "name your domains" in found
    assert "need an address they come from" in found


def told(log: dict[str, Any]) -> list[tuple[str, ...]]:
    return [found for found, _ in problems(Settings.model_validate({"log": log}))]


def test_an_authorization_is_for_an_address_and_for_no_other_eyes(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("Bearer 1")
    token.chmod(0o600)
    key = ("log.http_authorization",)
    assert told({"http_authorization": token}) == [(*key, "log.http")]
    assert told({"http_authorization": token, "http": "https://x.example/"}) == []
    assert told({"http_authorization": token, "http": "http://127.0.0.1:1/"}) == []
    assert told({"http_authorization": token, "http": "http://x.example/"}) == [(*key, "log.http")]
    assert told({"http_authorization": tmp_path / "none", "http": "https://x.example/"}) == [key]
    token.chmod(0o644)
    assert told({"http_authorization": token, "http": "https://x.example/"}) == [key]
    token.write_text("")
    assert told({"http_authorization": token, "http": "https://x.example/"}) == [key]


def test_authorities_are_certificates_and_of_use(tmp_path: Path) -> None:
    good, bad = tmp_path / "ca.pem", tmp_path / "bad.pem"
    trustme.CA().cert_pem.write_to_path(str(good))
    bad.write_text("no certificate")
    assert told({"tls_ca": good, "syslog": "tls:x.example:6514"}) == []
    assert told({"tls_ca": good, "http": "https://x.example/"}) == []
    for wrong in ({"tls_ca": good, "syslog": "tcp:x.example:601"}, {"tls_ca": bad, "syslog": "tls:x.example:6514"}):
        assert told(wrong) == [("log.tls_ca",)]


GOOD = {"issuer": "https://login.test/realms/main", "client_id": "macrogate", "roles": {"desk": "releaser"}}


@pytest.fixture
def client_secret(tmp_path: Path) -> Path:
    path = tmp_path / "oidc.secret"
    path.write_text("x\n")
    path.chmod(0o640)
    return path


def oidc_told(secret: Path, public_url: str = "https://gate.test", **more: Any) -> str:
    oidc = {**GOOD, "client_secret": secret} | more
    settings = Settings.model_validate({"http": {"public_url": public_url, "oidc": oidc}})
    return "\n".join(f"{keys[0]}: {sentence}" for keys, sentence in problems(settings))


@pytest.mark.parametrize("public_url", ["https://gate.test", "http://localhost:8025", "http://[::1]:8025"])
@pytest.mark.parametrize("issuer", ["https://login.test", "http://127.0.0.1:8080/realms/x"])
def test_a_provider_over_tls_or_on_this_machine_is_fine(client_secret: Path, public_url: str, issuer: str) -> None:
    assert oidc_told(client_secret, public_url, issuer=issuer) == ""


@pytest.mark.parametrize(
    ("public_url", "more", "words"),
    [
        ("", {}, "set http.public_url"),
        ("http://gate.test", {}, "http://gate.test is plain HTTP"),
        ("https://gate.test", {"issuer": "http://login.test"}, "http://login.test is plain HTTP"),
        ("https://gate.test", {"issuer": "http://127.0.0.1.evil.test"}, "is plain HTTP"),
        ("https://gate.test", {"client_secret": "/none/x"}, "client_secret: /none/x cannot be read"),
        ("https://gate.test", {"tls_ca": "/none/ca"}, "tls_ca: /none/ca holds no certificates"),
    ],
)
def test_what_a_provider_needs_is_told(client_secret: Path, public_url: str, more: dict[str, Any], words: str) -> None:
    found = oidc_told(client_secret, public_url, **more)
    assert words in found
    assert found.count("\n") == 0


def test_a_client_secret_is_a_line_for_few_eyes(client_secret: Path) -> None:
    client_secret.chmod(0o644)
    assert "everybody on this machine may read it" in oidc_told(client_secret)
    for nothing in ("", " \n", "two\nlines", "é"):
        client_secret.write_text(nothing)
        assert "has to hold one line" in oidc_told(client_secret)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("issuer", "login.test", "write the issuer as"),
        ("issuer", "https://login.test/?x", "write the issuer as"),
        ("issuer", "https://login.test/#x", "write the issuer as"),
        ("issuer", "https://a@login.test/", "write the issuer as"),
        ("issuer", "https:///x", "write the issuer as"),
        ("issuer", 7, "must be text"),
        ("client_id", "", "1 to 200 characters"),
        ("roles", {}, "roles"),
        ("roles", {"desk": "boss"}, "'boss'"),
        ("role_claim", "", "1 to 200 characters"),
        ("scopes", ["profile"], '"openid" is missing'),
        ("scopes", ["openid", "a b"], "is no scope"),
        ("scopes", "openid", "must be a list"),
        ("roless", {}, "did you mean"),
    ],
)
def test_each_key_of_a_provider_is_checked(
    client_secret: Path, tmp_path: Path, key: str, value: Any, words: str
) -> None:
    oidc = {**GOOD, "client_secret": str(client_secret), key: value}
    lines = [f"{name} = {json.dumps(found)}" for name, found in oidc.items() if not isinstance(found, dict)]
    tables = [
        f"[http.oidc.{name}]\n" + "".join(f"{group} = {json.dumps(role)}\n" for group, role in found.items())
        for name, found in oidc.items()
        if isinstance(found, dict)
    ]
    path = tmp_path / "macrogate.toml"
    path.write_text('[http]\npublic_url = "https://gate.test"\n[http.oidc]\n' + "\n".join([*lines, *tables]))
    path.chmod(0o600)
    with pytest.raises(ConfigError) as caught:
        load(path)
    (sentence,) = caught.value.mistakes
    assert sentence.startswith("http.oidc")
    assert words in sentence
