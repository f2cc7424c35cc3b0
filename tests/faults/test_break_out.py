"""A worker with every library of the scan in it is taken over, and tries to get out: into files, the network, another
program, another process, another message. Each probe runs where hostile content runs, behind the real walls."""

from __future__ import annotations

import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.closed_sets import Kind
from gateway.config import rules_directory
from gateway.jail import confinement
from tests.stubs.pool import Pool, pool
from tests.stubs.probe_tasks import TASKS

FORBIDDEN = "killed for a forbidden system call"

REFUSED = [
    ("read /etc/passwd", {"EACCES"}),
    ("read /proc/self/environ", {"EACCES"}),
    ("read /proc/self/maps", {"EACCES"}),
    ("read /proc/cpuinfo", {"EACCES"}),
    ("read /dev/zero", {"EACCES"}),
    ("read_parent", {"EACCES"}),
    ("write_memory", {"EACCES"}),
    ("write /tmp/a-worker-was-here", {"EACCES"}),
    ("write /dev/shm/a-worker-was-here", {"EACCES"}),
    ("enter /", {"EACCES"}),
    ("enter /proc", {"EACCES"}),
    ("fork_bomb", {"EPERM"}),
    ("execute_from_memory", {"EPERM"}),
    ("send_descriptor", {"ENOSYS"}),
    ("end_everybody", {"ENOSYS"}),
    ("new_code", {"ENOSYS"}),
    ("turn_into_code", {"ENOSYS"}),
    ("more_memory", {"ValueError"}),
    ("signal_by_descriptor", {"ENOSYS"}),
    ("change_the_message", {"EBADF", "EPERM"}),
]

DEADLY = ["datagram", "execute", "end_parent", "x32"]


@pytest.fixture
async def jail() -> AsyncIterator[Pool]:
    triggers = (rules_directory() / "triggers.toml").read_text()
    async with pool(tasks=TASKS, triggers_toml=triggers, poison_after=1000) as started:
        yield started


async def test_a_probe_that_is_not_stopped_would_be_seen(jail: Pool) -> None:
    assert await jail.order("nothing") == "done"


@pytest.mark.parametrize(("probe", "errors"), REFUSED)
async def test_what_is_refused(jail: Pool, probe: str, errors: set[str]) -> None:
    assert await jail.order(probe) in errors
    assert jail.deaths() == {}
    assert not list(Path("/tmp").glob("a-worker-was-here"))
    assert not list(Path("/dev/shm").glob("a-worker-was-here"))


@pytest.mark.parametrize("probe", DEADLY)
async def test_what_is_the_end_of_the_worker(jail: Pool, probe: str) -> None:
    failure = await jail.failure(probe)
    assert failure.kind is Kind.CRASH
    assert FORBIDDEN in failure.detail
    assert await jail.order("nothing") == "done"


async def test_each_call_only_an_intruder_makes_is_the_end_of_the_worker(jail: Pool) -> None:
    names = confinement.FATAL.split()
    assert len(names) > 40
    survived = [name for name in names if FORBIDDEN not in (await jail.failure(f"call {name}")).detail]
    assert survived == []
    assert jail.deaths() == {"crash": len(names)}


async def test_no_number_is_a_door_that_was_forgotten(jail: Pool) -> None:
    assert await jail.order("every_other_call") == "None is open."


async def test_the_numbers_of_32_bit_programs_are_no_way_round(jail: Pool) -> None:
    """A kernel without them answers SIGSEGV, another architecture has none."""
    detail = (await jail.failure("i386")).detail
    assert any(word in detail for word in (FORBIDDEN, signal.SIGSEGV.name, signal.SIGABRT.name))


async def test_nobody_hears_from_it(jail: Pool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        failure = await jail.failure(f"connect {listener.getsockname()[1]}")
        assert FORBIDDEN in failure.detail
        with pytest.raises(BlockingIOError):
            listener.accept()


async def test_the_quarantine_is_out_of_reach(jail: Pool, tmp_path: Path) -> None:
    held = tmp_path / "messages" / "held.eml"
    held.parent.mkdir()
    held.write_bytes(b"held mail")
    assert await jail.order(f"read {held}") == "EACCES"
    assert await jail.order(f"enter {held.parent}") == "EACCES"
    assert await jail.order(f"write {held}") == "EACCES"
    assert held.read_bytes() == b"held mail"


@pytest.mark.parametrize("probe", ["overflow", "dive"])
async def test_a_stack_that_is_used_up_costs_one_message(jail: Pool, probe: str) -> None:
    """Whether the interpreter notices or the kernel does, it costs this message only."""
    try:
        said = await jail.order(probe)
    except Exception as failure:  # noqa: BLE001 - ScanFailed: the worker died of it
        said = str(failure)
    assert said != "done"
    assert await jail.order("nothing") == "done"
