"""What a real Prometheus reads from a running gateway, with the scrape configuration that is shipped."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

from gateway.samples import mail as samples
from tests.e2e.conftest import Pair
from tests.e2e.mails import marker, plain
from tests.e2e.scraper import ask, prometheus
from tests.e2e.talk import send
from tests.e2e.tools import eventually, find, need

Start = Callable[..., Pair]


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
