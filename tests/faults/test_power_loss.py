"""Power is lost at the worst moment, on a disk that has nothing it was not made to have, or any part of it.

Every file operation of a real gateway is written down by strace and played back to a model of a disk
(``tests/faults/disk.py``). Whenever the gateway tells somebody that a message is kept, the power goes, and a quarantine
is opened on what the disk may have then.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.closed_sets import HeldState
from gateway.quarantine import HeldMessage, Quarantine
from gateway.samples import word
from tests.e2e.conftest import need_gateway
from tests.e2e.gateway import GatewayProcess
from tests.e2e.hop import hop_thread
from tests.e2e.mails import carrying, marker
from tests.e2e.talk import send
from tests.e2e.tools import eventually, find, need
from tests.faults.disk import Disk, any_of_it, nothing
from tests.faults.recorded import ARGUMENTS, Record
from tests.unit.quarantine.made import BODY, ID, OTHER, urls

MESSAGES, AT_ONCE = 9, 3
HELD = re.compile(rb"250 2\.0\.0 Held by Macrogate as ([0-9a-f]+)")

DEEDS = """
import asyncio, os, sys
from gateway.quarantine import Quarantine
from tests.unit.quarantine.made import ID, OTHER, Hop, keep

class Told(Hop):
    async def deliver(self, *message):
        os.write(1, b"sent\\n")
        return await super().deliver(*message)

async def main():
    store = await Quarantine.open(*sys.argv[1:], exclusive=True, two_person=False, reserve=0)
    for held_id in (ID, OTHER):
        await keep(store, held_id)
        os.write(1, f"kept {held_id}\\n".encode())
    await store.release(ID, who="ann", why="expected", deliver=Told().deliver)
    os.write(1, b"released\\n")
    await store.delete(OTHER, who="ann", why="spam")
    os.write(1, b"deleted\\n")
    await store.close()

asyncio.run(main())
"""
FORGETFUL = "import os\nos.fsync = lambda descriptor: None\n"


def strace(log: Path) -> list[str]:
    need("strace")
    return [find("strace") or "strace", *ARGUMENTS, "-o", str(log)]


def power_cuts(disk: Disk, folder: Path) -> Iterator[Path]:
    """Disks as they may be now: without all that is not certain, then with some of it."""
    for keep in (nothing, any_of_it(1), any_of_it(2)):
        left = folder / "left"
        left.mkdir()
        disk.after_power_cut(left, keep)
        yield left
        shutil.rmtree(left)


def apart(folder: Path) -> tuple[str, str]:
    """Index and messages in folders that have to be made first."""
    return f"sqlite://{folder}/index/quarantine.db", f"file://{folder}/far/away/messages"


async def there(places: tuple[str, str]) -> Mapping[str, tuple[HeldMessage, bytes]]:
    """What a gateway that starts there has, with the bytes where they are still there."""
    store = await Quarantine.open(*places, exclusive=True, two_person=False, reserve=0)
    try:
        return {held.id: (held, await bytes_of(store, held)) for held in await store.find()}
    finally:
        await store.close()


async def bytes_of(store: Quarantine, held: HeldMessage) -> bytes:
    if held.state is HeldState.DELETED:
        return b""
    with await store.open_message(held.id) as message:
        return message.read()


async def test_f10_what_a_gateway_has_answered_for_survives_the_power_cut(tmp_path: Path) -> None:
    need_gateway()
    log = tmp_path / "calls"
    with hop_thread() as hop:
        gateway = GatewayProcess(f'next_hop = "{hop.address}"')
        gateway.under = strace(log)
        try:
            gateway.start()
            messages = [carrying(marker(), "invoice.docm", word.docm_autoopen()) for _ in range(MESSAGES)]
            with ThreadPoolExecutor(AT_ONCE) as senders:
                replies = list(senders.map(lambda message: send(gateway.port, message, "alice@example.com"), messages))
            assert gateway.process is not None
            process = gateway.process.pid
            assert gateway.terminate() == 0
            eventually("strace has written everything", lambda: f"\n{process:<5} +++ exited" in log.read_text())
        finally:
            gateway.remove()
    sent = dict(zip((reply.rpartition(" ")[2].encode() for reply in replies), messages, strict=True))
    assert len(sent) == MESSAGES
    disk, answered = Disk(gateway.quarantine), set[bytes]()
    for told in Record(log, disk).play():  # to a client, or in the log, whichever is first
        for found in HELD.finditer(told):
            if found[1] in answered:
                continue
            answered.add(found[1])
            for left in power_cuts(disk, tmp_path):
                kept = await there(urls(left))
                assert {held_id: kept[held_id.decode()][1] for held_id in answered} == {
                    held_id: sent[held_id] for held_id in answered
                }
    assert answered == set(sent)


def recorded_deeds(folder: Path, before: str = "") -> Path:
    """The record of a process that keeps two messages, releases one and deletes the other."""
    log = folder / "calls"
    (folder / "store").mkdir()
    subprocess.run(
        [*strace(log), sys.executable, "-c", before + DEEDS, *apart(folder / "store")],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},  # which would be told too
        timeout=120,
        check=True,
    )
    eventually("strace has written everything", lambda: "+++ exited with 0 +++" in log.read_text()[-200:])
    return log


async def test_f10_f65_no_deed_is_done_that_a_power_cut_could_make_forgotten(tmp_path: Path) -> None:
    """Whoever has released a message must not be offered it again as if nothing had been."""
    disk, told_so_far = Disk(tmp_path / "store"), list[str]()
    for told in Record(recorded_deeds(tmp_path), disk).play():
        told_so_far.append(told.decode().strip())
        for left in power_cuts(disk, tmp_path):
            kept = await there(apart(left))
            expected = expected_states(told_so_far)
            assert {held_id: kept[held_id][0].state in states for held_id, states in expected.items()} == dict.fromkeys(
                expected, True
            ), (told, kept)
            assert all(data == BODY for held, data in kept.values() if held.state is not HeldState.DELETED)
    assert told_so_far == [f"kept {ID}", f"kept {OTHER}", "sent", "released", "deleted"]


def expected_states(told: list[str]) -> dict[str, set[HeldState]]:
    """What may be known of each message once that was told; what comes next may have begun."""
    sure = {line.removeprefix("kept ") for line in told if line.startswith("kept")}
    begun, done = {HeldState.RELEASING, HeldState.RELEASED}, {HeldState.RELEASED}
    expected = {held_id: {HeldState.HELD} for held_id in sure}
    if "sent" in told:
        expected[ID] = done if "released" in told else begun
    if "released" in told:
        expected[OTHER] = {HeldState.HELD, HeldState.DELETED}
    if "deleted" in told:
        expected[OTHER] = {HeldState.DELETED}
    return expected


async def test_without_its_flushes_the_same_quarantine_loses_what_it_told(tmp_path: Path) -> None:
    """The model is no friend: it notices."""
    disk = Disk(tmp_path / "store")
    told = Record(recorded_deeds(tmp_path, FORGETFUL), disk).play()
    assert next(told).decode().strip() == f"kept {ID}"
    left = next(power_cuts(disk, tmp_path))
    assert ID not in await there(apart(left))


@pytest.mark.parametrize("call", ["link", "symlink"])
def test_what_the_model_does_not_know_is_not_overlooked(tmp_path: Path, call: str) -> None:
    disk, log = Disk(tmp_path), tmp_path / "calls"
    path = "".join(f"\\x{octet:02x}" for octet in str(tmp_path / "a").encode())
    log.write_text(f'17 {call}("{path}", "{path}") = 0\n')
    with pytest.raises(AssertionError, match=call):
        list(Record(log, disk).play())
