"""The system calls ``macrogate.service`` leaves to the gateway are all it needs: under them it stops a macro."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.samples import mail
from tests.e2e import gateway
from tests.e2e.conftest import need_gateway
from tests.e2e.hop import hop_thread
from tests.e2e.talk import send
from tests.e2e.tools import DEPLOY, need

UNIT = DEPLOY / "systemd" / "macrogate.service"

UNDER_THE_FILTER = '''\
#!{python}
"""Runs the gateway as seccomp by systemd would: what is not allowed gets EPERM."""
import errno, mmap, os, sys
import pyseccomp as seccomp
rules = seccomp.SyscallFilter(seccomp.ERRNO(errno.EPERM))
allowed = set({allowed})
forbidding_code = {forbidding_code}
for name in sorted(allowed - ({{"mmap", "mprotect"}} if forbidding_code else set())):
    number = seccomp.resolve_syscall(seccomp.Arch.NATIVE, name)
    if number >= 0:
        rules.add_rule(seccomp.ALLOW, number)
if forbidding_code:
    for name in ("mmap", "mprotect"):
        rules.add_rule(seccomp.ALLOW, name, seccomp.Arg(2, seccomp.MASKED_EQ, mmap.PROT_EXEC, 0))
    both = mmap.PROT_WRITE | mmap.PROT_EXEC
    rules.add_rule(seccomp.ALLOW, "mmap", seccomp.Arg(2, seccomp.MASKED_EQ, both, mmap.PROT_EXEC))
rules.load()
os.execv({command!r}, [{command!r}, *sys.argv[1:]])
'''


def group(name: str) -> set[str]:
    """The calls of one of systemd's groups, by ``systemd-analyze syscall-filter``."""
    text = subprocess.run(
        ["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=True
    ).stdout
    words = [line.strip() for line in text.splitlines()[1:] if line.strip() and not line.strip().startswith("#")]
    calls = {word for word in words if not word.startswith("@")}
    return calls.union(*(group(word) for word in words if word.startswith("@")))


def allowed_calls() -> set[str]:
    """SystemCallFilter= of the unit, line by line (systemd.exec(5)); "@default" is always in."""
    calls = group("@default")
    for value in re.findall(r"^SystemCallFilter=(.*)$", UNIT.read_text(), re.MULTILINE):
        named: set[str] = set()
        for word in value.removeprefix("~").split():
            named |= group(word) if word.startswith("@") else {word}
        calls = calls - named if value.startswith("~") else calls | named
    return calls


def test_the_gateway_runs_under_the_filter_of_its_unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need("systemd-analyze")
    need_gateway()
    calls = allowed_calls()
    assert {"socket", "seccomp"} < calls
    assert not calls & {"mount", "reboot", "ptrace", "bpf", "setpriority"}
    if os.geteuid() == 0:
        calls |= {"chown", "fchown"}  # root gives what it made to the owner of the folder; the service is not root
    wrapper = tmp_path / "macrogate"
    wrapper.write_text(
        UNDER_THE_FILTER.format(
            python=sys.executable,
            allowed=sorted(calls),
            forbidding_code="MemoryDenyWriteExecute=yes" in UNIT.read_text(),
            command=str(gateway.COMMAND),
        )
    )
    wrapper.chmod(0o755)
    monkeypatch.setattr(gateway, "COMMAND", wrapper)
    with hop_thread() as hop:
        filter_ = gateway.GatewayProcess(f'next_hop = "{hop.address}"')
        try:
            filter_.start()
            assert send(filter_.port, mail.plain_message(), "carol@example.com").startswith("250")
            assert "Held by Macrogate" in send(filter_.port, mail.docm_autoopen_message(), "carol@example.com")
            assert filter_.events("jail") == []
            assert len(hop.messages) == 1
        finally:
            filter_.remove()
