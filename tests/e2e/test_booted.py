"""The package on a Debian with nothing else on it: booted, with systemd as process 1, mail through Postfix and back.

Takes a quarter of an hour, root and Debian's packages, so it is part of the proof (``MACROGATE_PROOF=1``).
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from gateway.samples import mail as samples
from tests.e2e.debian import changed, run
from tests.e2e.machine import Machine
from tests.e2e.mails import marker, plain
from tests.e2e.talk import Talk, attempt, send
from tests.e2e.tools import eventually, need, need_root

pytestmark = pytest.mark.skipif(
    not os.environ.get("MACROGATE_PROOF"), reason="part of the proof: set MACROGATE_PROOF=1"
)

EDGE = """
cd /usr/share/doc/macrogate/postfix/edge
postconf -M# smtp/inet
cat main.cf >> /etc/postfix/main.cf
cat master.cf >> /etc/postfix/master.cf
postconf -e inet_protocols=ipv4 mydestination=example.com myhostname=mx.example.com home_mailbox=mail/ alias_maps=
useradd --create-home alice
cp macrogate.toml /etc/macrogate/macrogate.toml
systemctl restart postfix
systemctl start macrogate
"""
"""The README of the edge position, word by word, and a mailbox behind."""

SOCKET = """
mkdir -p /etc/systemd/system/macrogate.socket.d
printf '[Socket]\\nListenStream=\\nListenStream=0.0.0.0:25\\nListenStream=127.0.0.1:8025\\n' \\
    > /etc/systemd/system/macrogate.socket.d/ports.conf
systemctl daemon-reload
systemctl stop macrogate
systemctl enable --now macrogate.socket
"""

MARK = re.compile(rb"Message-ID: <(marker-[0-9a-f-]+)@")
ALICE = "alice@example.com"


@pytest.fixture(scope="module")
def machine(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    need("debootstrap", "systemd-nspawn", "nsenter")
    need_root("boot a system of its own")
    needs = run("dpkg-deb", "--field", package, "Depends").strip()
    debian = Machine(tmp_path_factory.mktemp("debian") / "root", f"{needs}, postfix")
    try:
        debian.boot()
        debian.install(package)
        debian(EDGE)
        yield debian
    finally:
        debian.stop()


def delivered(machine: Machine) -> Counter[str]:
    """How often each mark is in the mailbox."""
    letters = (machine.root / "home/alice/mail/new").glob("*")
    return Counter(found[1].decode() for letter in letters if (found := MARK.search(letter.read_bytes())))


def arrives(machine: Machine, mark: str) -> None:
    eventually(f"{mark} is in the mailbox", lambda: delivered(machine)[mark] == 1, seconds=120)


def post(machine: Machine, mark: str) -> str:
    with machine.network():
        return send(25, plain(mark), ALICE)


def held(machine: Machine) -> list[str]:
    """The numbers of what is in quarantine, as the service's own user sees them."""
    listed = machine("runuser -u macrogate -- macrogate quarantine list --json --config /etc/macrogate/macrogate.toml")
    return [json.loads(line)["id"] for line in listed.splitlines() if line.startswith("{")]


def hold(machine: Machine) -> str:
    before = set(held(machine))
    with machine.network():
        assert "Held by Macrogate" in send(25, samples.docm_autoopen_message(), ALICE)
    (new,) = set(held(machine)) - before
    return new


def events(machine: Machine, name: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in machine.journal().splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == name]


def processes(machine: Machine) -> list[dict[str, str]]:
    """/proc/N/status of everything the unit runs."""
    groups = "/sys/fs/cgroup/systemd /sys/fs/cgroup"  # of the first version of control groups, and of the second
    pids = machine(f"for at in {groups}; do cat $at/system.slice/macrogate.service/cgroup.procs && break; done").split()
    pids = [word for word in pids if word.isdigit()]
    texts = [machine(f"cat /proc/{pid}/status") for pid in pids]
    return [dict(re.findall(r"^(\w+):\s*(.*)$", text, re.MULTILINE)) for text in texts]


def test_it_runs_as_its_own_user_with_one_privilege_in_a_whole_jail(machine: Machine) -> None:
    assert machine("cat /proc/1/comm").strip() == "systemd"
    assert machine("systemctl is-active macrogate").strip() == "active"
    machine("systemd-analyze security --no-pager --threshold=20 macrogate")
    own = machine("id -u macrogate").strip()
    running = processes(machine)
    assert len(running) >= 3
    for each in running:
        assert set(each["Uid"].split()) == {own}
        assert (each["NoNewPrivs"], each["Seccomp"]) == ("1", "2")
        assert int(each["CapEff"], 16) & ~(1 << 10) == 0  # CAP_NET_BIND_SERVICE, for port 25
    assert len({int(each["Seccomp_filters"]) for each in running}) > 1  # workers have one more, their own
    assert len(events(machine, "started")) == 1
    assert events(machine, "jail") == []  # says what of the jail could not be applied


def test_clean_mail_arrives_and_a_macro_is_held_and_both_are_in_the_journal(machine: Machine) -> None:
    mark = marker()
    assert post(machine, mark).startswith("250")
    arrives(machine, mark)
    hold(machine)
    actions = {event["action"] for event in events(machine, "message")}
    assert {"deliver", "quarantine"} <= actions


def test_a_reload_takes_a_new_setting_and_refuses_a_bad_one(machine: Machine) -> None:
    def size() -> str:
        with machine.network(), Talk(25) as talk:
            return re.findall(r"SIZE (\d+)", talk.hello())[0]

    config = machine.root / "etc/macrogate/macrogate.toml"
    good, before = config.read_text(), size()  # the smaller of ours and that of Postfix
    config.write_text(good + 'max_message_size = "7M"\n')
    machine("systemctl reload macrogate")
    eventually("the new size is in force", lambda: size() == str(7 << 20), seconds=120)
    config.write_text(good + 'max_message_size = "much"\n')
    machine("systemctl reload macrogate")
    eventually("the bad file is told", lambda: "max_message_size" in machine.journal(), seconds=120)
    assert size() == str(7 << 20)
    config.write_text(good)
    machine("systemctl reload macrogate")
    eventually("the old size is back", lambda: size() == before, seconds=120)


def test_mail_to_the_socket_starts_the_service_and_arrives(machine: Machine) -> None:
    machine(SOCKET)
    assert machine("systemctl is-active macrogate || true").strip() == "inactive"
    mark = marker()
    with machine.network(), Talk(25, timeout=600) as talk:  # answered when the service is up
        talk.hello()
        assert all(reply.startswith("250") for reply in talk.envelope("sender@outside.test", ALICE))
        assert talk.content(plain(mark)).startswith("250")
    arrives(machine, mark)
    assert machine("systemctl is-active macrogate").strip() == "active"


def test_a_restart_under_load_refuses_nobody_and_makes_no_twins(machine: Machine) -> None:
    marks, stop, refused = list[str](), threading.Event(), list[str]()

    def sender() -> None:
        with machine.network():
            while not stop.is_set():
                mark = marker()
                marks.append(mark)
                while not attempt(25, plain(mark), ALICE).startswith("250"):
                    try:
                        Talk(25).close()
                    except ConnectionRefusedError:
                        refused.append(mark)

    with ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(sender) for _ in range(3)]
        try:
            for _ in range(3):
                machine("systemctl restart macrogate")
        finally:
            stop.set()
        for job in jobs:
            job.result(600)
    assert refused == []
    eventually("all of it arrives", lambda: not set(marks) - set(delivered(machine)), seconds=300)
    assert {delivered(machine)[mark] for mark in marks} == {1}


def test_killed_it_is_started_again(machine: Machine) -> None:
    before = machine("systemctl show --property MainPID --value macrogate")
    machine("systemctl kill --kill-who=main --signal=KILL macrogate")

    def again() -> bool:
        state = machine("systemctl show --property ActiveState,MainPID --value macrogate").split()
        return "active" in state and before.strip() not in state

    eventually("systemd starts it again", again, seconds=300)
    mark = marker()
    assert post(machine, mark).startswith("250")
    arrives(machine, mark)


def test_an_upgrade_keeps_held_mail_and_configuration_and_a_downgrade_says_what_to_do(
    machine: Machine, package: Path, tmp_path: Path
) -> None:
    one = hold(machine)
    config = (machine.root / "etc/macrogate/macrogate.toml").read_text()
    before = machine("systemctl show --property MainPID --value macrogate")
    conffile = "etc/macrogate/macrogate.toml"
    newer = changed(package, tmp_path, "9.0.0-1", conffile, "# Macrogate: example", "# Macrogate: another")
    machine.install(newer, "--force-confold")
    assert machine("systemctl is-active macrogate").strip() == "active"
    assert machine("systemctl show --property MainPID --value macrogate") != before
    assert one in held(machine)
    assert (machine.root / conffile).read_text() == config
    assert "another" in (machine.root / f"{conffile}.dpkg-dist").read_text()

    schema = next(machine.root.glob("usr/lib/macrogate/lib/python3*/site-packages/gateway/quarantine/schema.py"))
    line = re.findall(r"^VERSION = \d+$", schema.read_text(), re.MULTILINE)[0]
    older = changed(package, tmp_path, "0.0.1-1", str(schema.relative_to(machine.root)), line, "VERSION = 1")
    said = machine.install(older, "--force-confold")
    assert "0.0.1-1 is older than what is installed" in said
    assert "the service did not start again" in said
    assert "it was written by a newer one" in machine.journal()
    machine.install(package, "--force-confold")
    machine("systemctl reset-failed macrogate; systemctl restart macrogate")
    assert one in held(machine)


def test_it_starts_by_itself_at_boot_with_what_was_held(machine: Machine) -> None:
    before = held(machine)
    assert before
    machine.stop()
    machine.boot()
    assert machine("systemctl is-active macrogate").strip() == "active"
    assert held(machine) == before
    mark = marker()
    assert post(machine, mark).startswith("250")
    arrives(machine, mark)


def test_a_purge_leaves_held_mail_and_its_user_and_nothing_else(machine: Machine) -> None:
    said = machine("dpkg --purge macrogate")
    assert "holds mail in quarantine and was kept" in said
    assert machine("stat -c %U /var/lib/macrogate/messages").strip() == "macrogate"
    places = (
        "/usr/lib/macrogate /etc/macrogate/macrogate.toml /lib/systemd/system/macrogate.* /etc/systemd/system/*/macr*"
    )
    left = machine(f"ls -d {places} 2>/dev/null || true")
    assert [line for line in left.split() if "macrogate.socket.d" not in line] == []  # the administrator's own drop-in
    assert machine("systemctl is-active macrogate.service macrogate.socket || true").split() == ["inactive"] * 2
