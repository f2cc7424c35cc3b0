"""``macrogate selftest --relay --smuggling`` as an admin runs it, against the chains of ``deploy/postfix``."""

from __future__ import annotations

import subprocess

from tests.e2e.conftest import OWN_HOST, STRANGER, Chain
from tests.e2e.gateway import COMMAND


def selftest(port: int, source: str, *tests: str) -> subprocess.CompletedProcess[str]:
    words = [str(COMMAND), "selftest", "--server", f"127.0.0.1:{port}", "--to", "carol@example.com"]
    more = ["--from", "alice@example.com", "--outside", "relay-test@elsewhere.test", "--source", source]
    return subprocess.run([*words, *more, *tests], capture_output=True, text=True, timeout=120, check=False)


def test_what_is_shipped_relays_for_no_stranger_and_cannot_be_fooled(chain: Chain) -> None:
    done = selftest(chain.port, STRANGER, "--relay", "--smuggling")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "HOLE" not in done.stdout
    subjects = [
        line
        for message in chain.postfix.mailbox("carol")
        for line in message.partition(b"\n\n")[0].splitlines()
        if line.startswith(b"Subject:")
    ]
    assert any(b"Macrogate self-test" in line for line in subjects)
    assert not any(b"SMUGGLED" in line for line in subjects)


def test_a_server_that_trusts_this_machine_is_told(edge: Chain) -> None:
    done = selftest(edge.port, OWN_HOST, "--relay")
    assert done.returncode == 1
    assert "test from one that is not" in done.stdout
