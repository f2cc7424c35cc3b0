"""A real Prometheus that scrapes a gateway, with what `deploy/prometheus` ships, only more often."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.e2e.tools import DEPLOY, eventually, find, free_port

RULES = ("alerts.yml", "recording.yml")


@contextmanager
def prometheus(target: int) -> Iterator[int]:
    """A Prometheus that scrapes ``target`` once a second; gives its port."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="macrogate-prometheus-") as name:
        home = Path(name)
        settings = (DEPLOY / "prometheus" / "prometheus.yml").read_text()
        settings = settings.replace("127.0.0.1:8025", f"127.0.0.1:{target}").replace("15s", "1s")
        (home / "prometheus.yml").write_text(settings)
        for rules in RULES:
            text = (DEPLOY / "prometheus" / rules).read_text()
            (home / rules).write_text(re.sub(r"interval: \d+m", "interval: 1s", text))
        command = [find("prometheus") or "prometheus", f"--config.file={home}/prometheus.yml"]
        command += [f"--storage.tsdb.path={home}/data", f"--web.listen-address=127.0.0.1:{port}"]
        with (home / "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
            try:
                eventually("Prometheus is ready", lambda: ready(port), 60)
                yield port
            finally:
                process.terminate()
                process.wait(30)


def ready(port: int) -> bool:
    """Whether it answers queries; it listens earlier than that."""
    with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=10):
        return True
    return False


def ask(port: int, expression: str) -> list[dict[str, Any]]:
    """The series an instant query gives."""
    query = urllib.parse.urlencode({"query": expression})
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/query?{query}", timeout=10) as answer:
        result: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        return result
