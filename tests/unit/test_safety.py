"""The safety of the gateway itself, where no other test is the place for it."""

from __future__ import annotations

import ast
import io
import ipaddress
import json
from pathlib import Path

import pytest

from gateway.closed_sets import Kind
from gateway.config import Settings, rules_directory
from gateway.events import MailLog
from gateway.jail.process import Orders
from gateway.pipeline import REFUSED
from gateway.scan import ScanRules
from gateway.workers.settings import Jail

PACKAGE = Path(__file__).resolve().parents[2] / "gateway"

HOSTILE = (
    "%s %(name)s {0} {event.__class__} ${jndi:ldap://192.0.2.1/x} {{7*7}} "
    "\x1b]0;title\x07 \x1b[2J \u2028 \u2029 \u202e "
    '", "level": "error", "event": "forged\r\nanother line'
)


@pytest.mark.parametrize("name", ["why", "reason", "error"])
def test_what_strangers_write_is_a_value_of_the_log_and_nothing_else(name: str) -> None:
    stream = io.StringIO()
    MailLog(stream).notice("tested", **{name: HOSTILE})
    text = stream.getvalue()
    assert text.count("\n") == 1
    assert not set("\r\x1b\x07\u2028\u2029\u202e") & set(text)
    event = json.loads(text)
    assert event["event"] == "tested"
    assert "{0}" in event[name]
    assert "${jndi:" in event[name]


def test_passwords_are_shown_in_no_repr() -> None:
    word = "correct horse"
    orders = Orders("", 1, 1.0, {}, "", "", passwords=(word,))
    jail = Jail(1, 1.0, 1, 1, 1.0, {}, "", "", passwords=(word,))
    assert word not in f"{orders!r} {jail!r} {orders} {jail}"


def test_by_itself_nothing_listens_to_the_world() -> None:
    settings = Settings()
    for listen in (str(settings.smtp.listen), str(settings.http.listen)):
        assert ipaddress.ip_address(listen.rpartition(":")[0]).is_loopback
    assert not settings.milter.listen


def test_a_refusal_tells_neither_the_rule_nor_what_was_found() -> None:
    text = str(REFUSED).lower()
    assert "refused" in text
    assert not any(kind.value in text for kind in Kind)
    assert "autoexec" not in text


def test_a_rule_file_includes_and_imports_nothing_from_elsewhere() -> None:
    triggers = (rules_directory() / "triggers.toml").read_text()
    for text in ('include "/etc/passwd"', "rule a { condition: an_external_variable }"):
        with pytest.raises(ValueError, match=r"odd\.yar"):
            ScanRules.parse(triggers, (("odd.yar", text),))


def test_nothing_runs_text() -> None:
    """No eval, no exec, no shell, whatever the text: what would have to be checked is not there."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = ast.unparse(node.func)
            assert name not in {"eval", "exec", "compile", "__import__", "os.system", "os.popen"}, path
            assert not any(keyword.arg == "shell" for keyword in node.keywords), path
