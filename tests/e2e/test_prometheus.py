"""What a real Prometheus reads from a running gateway, with the scrape configuration that is shipped."""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gateway.samples import mail as samples
from tests.e2e.conftest import Pair
from tests.e2e.mails import marker, plain
from tests.e2e.talk import send
from tests.e2e.tools import DEPLOY, eventually, find, free_port, need

Start = Callable[..., Pair]


@contextmanager
def prometheus(target: int) -> Iterator[int]:
    """A Prometheus that scrapes ``target`` once a second; gives its port."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="macrogate-prometheus-") as name:
        home = Path(name)
        settings = (DEPLOY / "prometheus" / "prometheus.yml").read_text()
        settings = settings.replace("127.0.0.1:8025", f"127.0.0.1:{target}").replace("15s", "1s")
        (home / "prometheus.yml").write_text(settings)
        (home / "alerts.yml").write_text((DEPLOY / "prometheus" / "alerts.yml").read_text())
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


def test_prometheus_scrapes_what_happened(pair: Start) -> None:
    need("prometheus")
    running = pair()
    port = running.gateway.port
    for _ in range(3):
        assert send(port, plain(marker()), "alice@example.com").startswith("250")
    held = samples.docm_autoopen_message("sender@outside.test", "alice@example.com")
    assert send(port, held, "alice@example.com").startswith("250 2.0.0 Held")
    with prometheus(running.gateway.http) as server:

        def value(expression: str) -> float | None:
            series = ask(server, expression)
            return float(series[0]["value"][1]) if series else None

        eventually("a scrape", lambda: value('macrogate_messages_total{action="deliver"}') == 3, 30)
        assert value('up{job="macrogate"}') == 1
        assert value('macrogate_messages_total{listener="smtp",action="quarantine"}') == 1
        assert value('macrogate_verdicts_total{verdict="autoexec"}') == 1
        assert value('macrogate_findings_total{kind="vba-autoexec"}') == 1
        assert value('macrogate_quarantine_messages{state="held"}') == 1
        assert value("macrogate_scan_seconds_count") == 4
        assert value('macrogate_next_hop_replies_total{stage="dot",class="2xx"}') == 3
        assert value('ALERTS{alertstate="firing"}') is None


def test_promtool_finds_nothing_wrong_with_the_metrics(pair: Start) -> None:
    need("promtool")
    running = pair()
    send(running.gateway.port, plain(marker()), "alice@example.com")
    command = [find("promtool") or "promtool", "check", "metrics"]
    done = subprocess.run(command, input=running.gateway.metrics(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_number_of_series_does_not_depend_on_what_strangers_send(pair: Start) -> None:
    running = pair()
    port = running.gateway.port

    def series() -> set[str]:
        lines = running.gateway.metrics().splitlines()
        return {line.rpartition(" ")[0] for line in lines if line.startswith("macrogate_")}

    send(port, plain(marker()), "alice@example.com")
    before = series()
    for number in range(30):
        message = plain(marker()).replace(b"sender@", f"sender{number}@".encode())
        send(port, message, f"user{number}@example{number}.test", sender=f"s{number}@outside{number}.test")
    assert series() == before
