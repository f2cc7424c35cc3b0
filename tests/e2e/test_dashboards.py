"""Every query of every dashboard panel, alert and recording rule, asked of a Prometheus that has data."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from gateway import samples
from gateway.samples import mail
from tests.e2e.conftest import Pair
from tests.e2e.mails import carrying, marker, plain
from tests.e2e.scraper import ask, prometheus
from tests.e2e.talk import send
from tests.e2e.tools import DEPLOY, eventually, need
from tests.makers.locks import zip_crypto
from tests.makers.zips import build

Start = Callable[..., Pair]

FOLDER = DEPLOY / "grafana"
DASHBOARDS = sorted(path.stem for path in (FOLDER / "dashboards").glob("*.json"))
SELECTOR = re.compile(r"\b(?:macrogate[_:][\w:]+|up\b)(?:\{[^}]*\})?")


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    """``deploy/grafana/make.py``, which is no part of any package."""
    spec = importlib.util.spec_from_file_location("make_dashboards", FOLDER / "make.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up by its name
    spec.loader.exec_module(module)
    return module


def dashboard(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((FOLDER / "dashboards" / f"{name}.json").read_text())
    return loaded


def queries(name: str) -> Iterator[tuple[str, str]]:
    """Title and query of each panel, with Grafana's variables filled in."""
    for panel in dashboard(name)["panels"]:
        for target in panel["targets"]:
            query = target["expr"].replace("$__rate_interval", "20s").replace("$instance", ".*")
            yield f"{name}: {panel['title']}", query


def selectors(file: str) -> set[str]:
    """Every series an alert or a recording rule speaks of."""
    text = (DEPLOY / "prometheus" / file).read_text()
    expressions = re.findall(r"expr: (?:>-\n)?((?:.|\n)*?)\n {8}\w+:", text + "\n        end:")
    return {found for expression in expressions for found in SELECTOR.findall(expression)}


def test_the_dashboards_are_what_their_tables_say(maker: ModuleType) -> None:
    assert sorted(maker.DASHBOARDS) == DASHBOARDS
    for name in DASHBOARDS:
        assert dashboard(name) == maker.dashboard_json(name), "run `make dashboards`"


@pytest.mark.parametrize("name", DASHBOARDS)
def test_panels_do_not_overlap_and_have_a_title(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard(name)["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert panel["title"]
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_every_alert_has_its_page() -> None:
    text = (DEPLOY / "prometheus" / "alerts.yml").read_text()
    alerts = re.findall(r"- alert: (\w+)", text)
    pages = re.findall(r"runbook: (\S+)", text)
    assert len(pages) == len(alerts) == len(set(pages))
    for alert, page in zip(alerts, pages, strict=True):
        assert f"Alert `{alert}`" in (DEPLOY.parent / page).read_text()


def work(port: int) -> None:
    """One of each kind of message the panels tell apart."""
    messages = [plain(marker()), mail.docm_autoopen_message("sender@outside.test", "alice@example.com")]
    locked = build([zip_crypto("a.docm", samples.docm_autoopen(), b"nobody knows this one")])
    opened = build([zip_crypto("a.docx", samples.docx(), b"infected")])
    messages += [carrying(marker(), "locked.zip", locked), carrying(marker(), "opened.zip", opened)]
    for message in messages:
        assert send(port, message, "alice@example.com").startswith("250")


def test_every_query_returns_data(pair: Start, tmp_path: Path) -> None:
    need("prometheus")
    running = pair(more=f'[log]\nfile = "{tmp_path}/events.json"')
    with prometheus(running.gateway.http) as server:

        def seen(count: int) -> bool:
            series = ask(server, 'sum(macrogate_messages_total{listener="smtp"})')
            return bool(series) and float(series[0]["value"][1]) == count

        work(running.gateway.port)
        eventually("a scrape", lambda: seen(4), 30)
        work(running.gateway.port)
        eventually("another scrape", lambda: seen(8), 30)
        asked = [found for name in DASHBOARDS for found in queries(name)]
        asked += [("alerts.yml", selector) for selector in selectors("alerts.yml")]
        asked += [("recording.yml", selector) for selector in selectors("recording.yml")]
        recorded = re.findall(r"record: (\S+)", (DEPLOY / "prometheus" / "recording.yml").read_text())
        asked += [("recording.yml", name) for name in recorded]
        eventually("the recording rules", lambda: all(ask(server, name) for name in recorded), 30)
        silent = [f"{title}: {query}" for title, query in asked if not ask(server, query)]
        assert silent == []
