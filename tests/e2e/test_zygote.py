"""What ``make proof`` kills by the thousand is the gateway that systemd starts, only quicker there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from gateway.samples import mail as samples
from tests.e2e.conftest import need_gateway
from tests.e2e.gateway import GatewayProcess
from tests.e2e.hop import hop_thread
from tests.e2e.mails import marker, plain
from tests.e2e.talk import send
from tests.e2e.tools import eventually
from tests.proof.watch import descendants
from tests.proof.zygote import WarmGateway, Zygote


@contextmanager
def zygote() -> Iterator[Zygote]:
    made = Zygote()
    try:
        yield made
    finally:
        made.close()


def programs(gateway: GatewayProcess) -> list[str]:
    """What runs for it, without the numbers of pipes."""
    assert gateway.process is not None
    found = []
    for process in (gateway.process.pid, *descendants(gateway.process.pid)):
        with open(f"/proc/{process}/status", encoding="ascii") as file:
            facts = dict(line.split(":\t", 1) for line in file if line.startswith(("Seccomp:", "NoNewPrivs:")))
        found.append(" ".join(value.strip() for value in facts.values()))
    return sorted(found)


def gone(process: int) -> bool:
    try:
        with open(f"/proc/{process}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_forked_gateway_is_one_from_disk() -> None:
    need_gateway()
    seen = []
    with zygote() as mother, hop_thread() as hop:
        for kind in (GatewayProcess, WarmGateway):
            gateway = kind(f'next_hop = "{hop.address}"', "[scan]\nworkers = 2\n")
            if isinstance(gateway, WarmGateway):
                gateway.zygote = mother
            try:
                gateway.start()
                assert send(gateway.port, plain(marker()), "alice@example.com") == "250 2.0.0 Taken"
                document = samples.docm_autoopen_message("sender@outside.test", "alice@example.com")
                assert send(gateway.port, document, "alice@example.com").startswith("250 2.0.0 Held by Macrogate as ")
                family = [gateway.process.pid, *descendants(gateway.process.pid)] if gateway.process else []
                seen.append((programs(gateway), sorted({event["event"] for event in gateway.events()})))
                gateway.kill()
                eventually("nothing of it is left", lambda family=family: all(gone(each) for each in family))  # type: ignore[misc]
                gateway.start()
                assert [len(gateway.held()), gateway.terminate()] == [1, 0]
            finally:
                gateway.remove()
    assert seen[0] == seen[1]
    assert len(seen[0][0]) == 4  # the gateway, its fork server, two workers


def test_its_end_is_told() -> None:
    with zygote() as mother, hop_thread() as hop:
        gateway = WarmGateway(f'next_hop = "{hop.address}"', "[scan]\nworkers = nonsense\n")
        gateway.zygote = mother
        try:
            gateway.spawn()
            assert gateway.wait() == 2
            with pytest.raises(pytest.fail.Exception, match="not TOML"):
                gateway.start()
        finally:
            gateway.remove()
