"""Settings that parse one by one and cannot work together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trustme

from gateway.config import Settings
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
