"""``docs/metrics.md`` names every metric with its type and labels, and none that does not exist."""

from __future__ import annotations

import re

from prometheus_client.metrics import MetricWrapperBase

from gateway.metrics import Metrics, Tally
from tests.e2e.tools import ROOT

ROW = re.compile(r"^\| `(macrogate_\w+)` \| (\w+) \| ([^|]*) \|", re.MULTILINE)


def declared() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Name as scraped → type and labels."""
    found = {}
    for value in vars(Metrics()).values():
        if isinstance(value, MetricWrapperBase):
            kind = str(value._type)
            suffix = {"counter": "_total", "info": "_info"}.get(kind, "")
            labels = ("version", "python") if kind == "info" else value._labelnames
            found[value._name + suffix] = (kind, tuple(labels))
        elif isinstance(value, Tally):
            found[f"{value.name}_total"] = ("counter", (value.label,))
    return found


def documented() -> dict[str, tuple[str, tuple[str, ...]]]:
    text = (ROOT / "docs" / "metrics.md").read_text()
    return {name: (kind, tuple(re.findall(r"`(\w+)`", labels))) for name, kind, labels in ROW.findall(text)}


def test_every_metric_is_documented_as_it_is() -> None:
    assert documented() == declared()
