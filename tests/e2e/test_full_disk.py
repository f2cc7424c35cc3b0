"""A full disk below the quarantine: what must be held is put off, clean mail keeps flowing, nothing slips through."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.samples import mail as samples
from tests.e2e.conftest import need_gateway
from tests.e2e.gateway import GatewayProcess
from tests.e2e.hop import hop_thread
from tests.e2e.mails import marker, plain
from tests.e2e.talk import send
from tests.e2e.tools import need, need_root, unavailable

LIMITS = {"no space": "size=48m", "no inodes": "size=48m,nr_inodes=3000"}
"""Mount options. The quarantine keeps 16 MiB free, so a disk has to be larger than that to be of any use to it."""


@pytest.fixture(params=LIMITS.values(), ids=tuple(LIMITS))
def small_disk(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder whose ``quarantine`` is a file system of its own with very little room."""
    need("mount", "umount")
    need_root("mount a small file system")
    folder = Path(tempfile.mkdtemp(prefix="macrogate-e2e-"))
    mountpoint = folder / "quarantine"
    mountpoint.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", request.param, "tmpfs", str(mountpoint)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        mountpoint.rmdir()
        folder.rmdir()
        unavailable(f"no file system can be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(mountpoint)], check=True)
    shutil.rmtree(folder)


def fill(folder: Path) -> list[Path]:
    """Use up the file system: every inode if there are few, else every byte."""
    filler = [folder / f"filler-{number}" for number in range(3000)]
    made = []
    with contextlib.suppress(OSError):
        for path in filler:
            path.touch()
            made.append(path)
    if len(made) == len(filler):
        with contextlib.suppress(OSError), made[0].open("wb", buffering=0) as file:
            while file.write(bytes(1 << 16)):
                pass
    return made


def test_what_must_be_held_is_put_off_and_clean_mail_flows(small_disk: Path) -> None:
    need_gateway()
    document = samples.docm_autoopen_message("sender@outside.test", "alice@example.com")
    with hop_thread() as hop:
        gateway = GatewayProcess(f'next_hop = "{hop.address}"', folder=small_disk).start()
        try:
            filler = fill(small_disk / "quarantine")
            assert send(gateway.port, document, "alice@example.com").startswith("452 4.3.1 ")
            assert send(gateway.port, plain(marker()), "alice@example.com") == "250 2.0.0 Taken"
            assert len(hop.messages) == 1
            assert gateway.metric("macrogate_keep_failures_total") == 1
            assert gateway.event("keep-failed")["sender"] == "sender@outside.test"
            for path in filler:
                path.unlink()
            reply = send(gateway.port, document, "alice@example.com")
            assert reply.startswith("250 2.0.0 Held by Macrogate as "), reply
            assert [row["id"] for row in gateway.held()] == [reply.rpartition(" ")[2]]
        finally:
            gateway.terminate()
        assert len(hop.messages) == 1
