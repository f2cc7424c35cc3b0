from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import signal, sys, threading
import gateway.jail.preload
assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
assert threading.active_count() == 1
print(*sorted(sys.modules))
"""

GATEWAY = """
import asyncio, io
from gateway.events import MailLog
from gateway.metrics import Metrics
from gateway.workers import Jail, Workers

async def once():
    jail = Jail(1, 10.0, 1 << 30, 1, 1.0, {}, "", "", tasks="tests.stubs.worker_tasks:make")
    workers = Workers(jail, Metrics(), MailLog(io.StringIO()))
    await workers.start()
    await workers.stop()
    print("done")

if __name__ == "__main__":
    asyncio.run(once())
"""


def test_everything_the_scan_imports_late_is_there_before() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert loaded >= {
        *("gateway.scan.rewrite", "gateway.scan.documents.ole", "gateway.scan.containers.zip"),
        *("oletools.olevba", "msoffcrypto.format.xls97", "cryptography.hazmat.backends.openssl", "libarchive"),
        *("encodings.iso2022_jp", "encodings.cp1252", "encodings.utf_7", "encodings.idna", "xml.dom.expatbuilder"),
    }


def test_a_module_lying_in_the_current_directory_is_not_imported(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "main.py").write_text(GATEWAY, encoding="utf-8")
    for name in ("zipfile", "socket", "oletools"):
        (tmp_path / "here" / f"{name}.py").write_text("open('was-here', 'w')", encoding="utf-8")
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, str(tmp_path / "main.py")],
        cwd=tmp_path / "here",
        env={"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("done\n", "")
    assert not (tmp_path / "here" / "was-here").exists()
