"""``make dashboards``: the three dashboards for Grafana, written from tables of panels.

Contract: one row here is one panel there: title, what it answers, kind, unit, and its queries with their legends. The
files beside this one are its output and are checked in; a test tells when they are stale and runs every query.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent / "dashboards"
SOURCE = {"type": "prometheus", "uid": "${source}"}
WIDTH = 24
"""Columns of Grafana's grid."""

VERDICT_COLOURS = {
    "clean": "#56a64b",
    "macro": "#8ab8ff",
    "suspicious": "#f2cc0c",
    "unscannable": "#ff9830",
    "autoexec": "#e02f44",
}
ACTION_COLOURS = {
    "deliver": "#56a64b",
    "tag": "#8ab8ff",
    "disarm": "#3274d9",
    "strip": "#b877d9",
    "quarantine": "#ff9830",
    "reject": "#e02f44",
    "defer": "#808080",
}
GOOD, BAD, FAIR = "#56a64b", "#e02f44", "#ff9830"


@dataclass(frozen=True)
class Panel:
    """``queries`` are (PromQL, legend); ``steps`` are (from this value on, colour) of a figure; ``width`` of 24."""

    title: str
    answers: str
    kind: str
    queries: tuple[tuple[str, str], ...]
    unit: str = "short"
    width: int = 12
    height: int = 8
    stacked: bool = False
    colours: dict[str, str] = field(default_factory=dict)
    steps: tuple[tuple[float, str], ...] = ()
    interval: str = ""


def stat(title: str, answers: str, query: str, unit: str = "short", *steps: tuple[float, str]) -> Panel:
    return Panel(title, answers, "stat", ((query, ""),), unit, width=4, height=4, steps=steps)


HERE_ONLY = 'instance=~"$instance"'

OVERVIEW = (
    stat("Up", "Gateways that answer.", f'sum(up{{job="macrogate", {HERE_ONLY}}})', "short", (0, BAD), (1, GOOD)),
    stat("Messages today", "", f"sum(increase(macrogate_messages_total{{{HERE_ONLY}}}[24h]))", "short"),
    stat(
        "Stopped today",
        "Held, stripped, disarmed or refused.",
        f'sum(increase(macrogate_messages_total{{{HERE_ONLY}, action=~"quarantine|strip|disarm|reject"}}[24h]))',
        "short",
        (0, GOOD),
        (1, FAIR),
    ),
    stat(
        "Run by themselves, today",
        "Documents with an auto-exec macro: the way Emotet came.",
        f'sum(increase(macrogate_verdicts_total{{{HERE_ONLY}, verdict="autoexec"}}[24h]))',
        "short",
        (0, GOOD),
        (1, BAD),
    ),
    stat("Held now", "", f'sum(macrogate_quarantine_messages{{{HERE_ONLY}, state="held"}})'),
    stat(
        "Oldest held",
        "How long somebody has been waiting.",
        f"max((time() - macrogate_quarantine_oldest_timestamp_seconds{{{HERE_ONLY}}}) "
        f"* (macrogate_quarantine_oldest_timestamp_seconds{{{HERE_ONLY}}} > bool 0))",
        "s",
        (0, GOOD),
        (86400, FAIR),
        (7 * 86400, BAD),
    ),
    Panel(
        "Mail flow",
        "Messages a second by what was done with them.",
        "timeseries",
        ((f"sum by (action) (rate(macrogate_messages_total{{{HERE_ONLY}}}[$__rate_interval]))", "{{action}}"),),
        "mps",
        stacked=True,
        colours=ACTION_COLOURS,
    ),
    Panel(
        "Share stopped",
        "Of all messages, by verdict; clean is left out.",
        "timeseries",
        (
            (
                f'sum by (verdict) (rate(macrogate_verdicts_total{{{HERE_ONLY}, verdict!="clean"}}[$__rate_interval])) '
                f"/ on() group_left() sum(rate(macrogate_verdicts_total{{{HERE_ONLY}}}[$__rate_interval]))",
                "{{verdict}}",
            ),
        ),
        "percentunit",
        stacked=True,
        colours=VERDICT_COLOURS,
    ),
    Panel(
        "The wave",
        "Messages each hour over days and months: an attack looks like a mountain, a quiet week like a plain.",
        "bars",
        (
            (f'sum(increase(macrogate_verdicts_total{{{HERE_ONLY}, verdict="autoexec"}}[1h]))', "autoexec"),
            (f'sum(increase(macrogate_verdicts_total{{{HERE_ONLY}, verdict="suspicious"}}[1h]))', "suspicious"),
            (f'sum(increase(macrogate_verdicts_total{{{HERE_ONLY}, verdict="unscannable"}}[1h]))', "unscannable"),
        ),
        "short",
        width=24,
        stacked=True,
        colours=VERDICT_COLOURS,
        interval="1h",
    ),
    Panel(
        "What starts the macros",
        "Messages of the last 24 hours by trigger; `macrogate rules list` explains each.",
        "ranking",
        ((f"topk(10, sum by (trigger) (increase(macrogate_triggers_total{{{HERE_ONLY}}}[24h])) > 0)", "{{trigger}}"),),
        width=8,
    ),
    Panel(
        "In which files",
        "Parts that were no clean ones, by type, last 24 hours.",
        "ranking",
        (
            (
                f'topk(10, sum by (type) (increase(macrogate_parts_total{{{HERE_ONLY}, verdict!="clean"}}[24h])) > 0)',
                "{{type}}",
            ),
        ),
        width=8,
    ),
    Panel(
        "What was found",
        "Findings by kind, last 24 hours.",
        "ranking",
        ((f"topk(10, sum by (kind) (increase(macrogate_findings_total{{{HERE_ONLY}}}[24h])) > 0)", "{{kind}}"),),
        width=8,
    ),
    Panel(
        "Quarantine",
        "Messages by state.",
        "timeseries",
        ((f'sum by (state) (macrogate_quarantine_messages{{{HERE_ONLY}, state!~"expired|deleted"}})', "{{state}}"),),
    ),
    Panel(
        "Rules that decide",
        "Decisions by policy rule; a rule on trial is counted as shadow.",
        "timeseries",
        (
            (
                f"sum by (rule, mode) (rate(macrogate_rule_hits_total{{{HERE_ONLY}}}[$__rate_interval]))",
                "{{rule}} {{mode}}",
            ),
        ),
        "mps",
    ),
)

HEALTH = (
    stat("Up", "", f'sum(up{{job="macrogate", {HERE_ONLY}}})', "short", (0, BAD), (1, GOOD)),
    stat(
        "Workers busy",
        "",
        f"sum(macrogate_workers_busy{{{HERE_ONLY}}}) / sum(macrogate_workers{{{HERE_ONLY}}})",
        "percentunit",
        (0, GOOD),
        (0.8, FAIR),
        (1, BAD),
    ),
    stat(
        "Worker deaths today",
        "",
        f"sum(increase(macrogate_worker_deaths_total{{{HERE_ONLY}}}[24h]))",
        "short",
        (0, GOOD),
        (1, FAIR),
        (20, BAD),
    ),
    stat(
        "Passed unexamined today",
        "More than none only with on_failure = deliver.",
        f'sum(increase(macrogate_unexamined_total{{{HERE_ONLY}, action="deliver"}}[24h]))',
        "short",
        (0, GOOD),
        (1, BAD),
    ),
    stat(
        "Free for held mail",
        "",
        f"min(macrogate_quarantine_free_bytes{{{HERE_ONLY}}})",
        "bytes",
        (0, BAD),
        (2e9, FAIR),
        (1e10, GOOD),
    ),
    stat(
        "Not stored today",
        "Messages the quarantine could not keep; their senders were told to come again.",
        f"sum(increase(macrogate_keep_failures_total{{{HERE_ONLY}}}[24h]))",
        "short",
        (0, GOOD),
        (1, BAD),
    ),
    stat(
        "Free for mail on its way",
        "Where larger messages lie until they are delivered: the folder for temporary files.",
        f"min(macrogate_spool_free_bytes{{{HERE_ONLY}}})",
        "bytes",
        (0, BAD),
        (5e8, FAIR),
        (2e9, GOOD),
    ),
    stat(
        "Exceptions unusable",
        "Gateways whose file of exceptions cannot be used: nothing is allowed by it.",
        f"sum(macrogate_exceptions_unusable{{{HERE_ONLY}}})",
        "short",
        (0, GOOD),
        (1, BAD),
    ),
    stat(
        "Log lines lost today",
        "By the log itself and by its receivers.",
        f"sum(increase(macrogate_log_lines_dropped{{{HERE_ONLY}}}[24h])) "
        f'+ (sum(increase(macrogate_log_receiver_lines{{{HERE_ONLY}, state="dropped"}}[24h])) or vector(0))',
        "short",
        (0, GOOD),
        (1, BAD),
    ),
    Panel(
        "Lines that wait for a receiver of the log",
        "More and more while it is away; beyond 20000 they are lost.",
        "timeseries",
        (
            (
                f'sum by (instance, receiver) (macrogate_log_receiver_lines{{{HERE_ONLY}, state="waiting"}})',
                "{{instance}} {{receiver}}",
            ),
        ),
        height=4,
    ),
    Panel(
        "Time a message takes",
        "From its first octet to the reply, as a heat map.",
        "heatmap",
        ((f"sum by (le) (rate(macrogate_message_seconds_bucket{{{HERE_ONLY}}}[$__rate_interval]))", "{{le}}"),),
        "s",
    ),
    Panel(
        "Where the time goes",
        "99th percentile of each step.",
        "timeseries",
        tuple(
            (
                "histogram_quantile(0.99, sum by (le) "
                f"(rate(macrogate_{name}_seconds_bucket{{{HERE_ONLY}}}[$__rate_interval])))",
                legend,
            )
            for name, legend in (
                ("queue_wait", "waiting for a worker"),
                ("scan", "scan"),
                ("next_hop", "next hop"),
                ("message", "all"),
            )
        ),
        "s",
    ),
    Panel(
        "Next hop",
        "Its replies by class; error is no usable reply.",
        "timeseries",
        ((f"sum by (class) (rate(macrogate_next_hop_replies_total{{{HERE_ONLY}}}[$__rate_interval]))", "{{class}}"),),
        "ops",
        stacked=True,
        colours={"2xx": GOOD, "3xx": "#8ab8ff", "4xx": FAIR, "5xx": BAD, "error": "#b877d9"},
    ),
    Panel(
        "Sessions",
        "Open now, by listener.",
        "timeseries",
        ((f"sum by (listener) (macrogate_sessions_open{{{HERE_ONLY}}})", "{{listener}}"),),
    ),
    Panel(
        "Workers",
        "Alive and at work.",
        "timeseries",
        (
            (f"sum(macrogate_workers{{{HERE_ONLY}}})", "alive"),
            (f"sum(macrogate_workers_busy{{{HERE_ONLY}}})", "busy"),
        ),
        width=8,
    ),
    Panel(
        "Worker deaths",
        "By reason.",
        "bars",
        (
            (
                f"sum by (reason) (increase(macrogate_worker_deaths_total{{{HERE_ONLY}}}[$__rate_interval]))",
                "{{reason}}",
            ),
        ),
        width=8,
        stacked=True,
    ),
    Panel(
        "Verdict cache",
        "Documents that were seen before.",
        "timeseries",
        (
            (
                f'sum(rate(macrogate_verdict_cache_total{{{HERE_ONLY}, result="hit"}}[$__rate_interval])) '
                f"/ (sum(rate(macrogate_verdict_cache_total{{{HERE_ONLY}}}[$__rate_interval])) > 0 or vector(1))",
                "hit",
            ),
        ),
        "percentunit",
        width=8,
    ),
    Panel(
        "Event loop",
        "Longest stall between two scrapes; mail of all sessions waits that long.",
        "timeseries",
        ((f"max by (instance) (macrogate_event_loop_lag_seconds{{{HERE_ONLY}}})", "{{instance}}"),),
        "s",
        width=8,
    ),
    Panel(
        "Memory of the daemon",
        "Without its workers.",
        "timeseries",
        ((f'process_resident_memory_bytes{{job="macrogate", {HERE_ONLY}}}', "{{instance}}"),),
        "bytes",
        width=8,
    ),
    Panel(
        "Open files of the daemon",
        "",
        "timeseries",
        ((f'process_open_fds{{job="macrogate", {HERE_ONLY}}}', "{{instance}}"),),
        width=8,
    ),
)

CAMPAIGNS = (
    stat("Campaigns today", "Different macro codes.", f"max(macrogate_campaigns{{{HERE_ONLY}}})"),
    stat("Largest, messages", "", f'sum(macrogate_campaign_messages{{{HERE_ONLY}, rank="1"}})'),
    stat(
        "Its share",
        "Of all messages with macros that have a name, last 24 hours.",
        f'sum(macrogate_campaign_messages{{{HERE_ONLY}, rank="1"}}) '
        f"/ (sum(macrogate_campaign_messages{{{HERE_ONLY}}}) > 0 or vector(1))",
        "percentunit",
        (0, GOOD),
        (0.5, FAIR),
        (0.8, BAD),
    ),
    stat(
        "Against the day before",
        "Auto-exec documents of the last hour against the usual hour.",
        f'sum(increase(macrogate_verdicts_total{{{HERE_ONLY}, verdict="autoexec"}}[1h])) '
        f'/ (sum(increase(macrogate_verdicts_total{{{HERE_ONLY}, verdict="autoexec"}}[24h])) / 24 > 0 or vector(1))',
        "short",
        (0, GOOD),
        (2, FAIR),
        (5, BAD),
    ),
    stat(
        "Encrypted today",
        "Archives and documents no password opened.",
        f'sum(increase(macrogate_findings_total{{{HERE_ONLY}, kind="encrypted"}}[24h]))',
    ),
    stat(
        "Opened by a password",
        "Found in the mail itself.",
        f'sum(increase(macrogate_findings_total{{{HERE_ONLY}, kind="decrypted"}}[24h]))',
    ),
    Panel(
        "Size of the ten largest",
        "Messages of the last 24 hours with one macro code; `macrogate quarantine list` names the codes.",
        "timeseries",
        ((f"sum by (rank) (macrogate_campaign_messages{{{HERE_ONLY}}})", "no. {{rank}}"),),
        width=24,
        stacked=True,
    ),
    Panel(
        "Triggers over time",
        "A new campaign often starts its macro in another way.",
        "bars",
        ((f"sum by (trigger) (increase(macrogate_triggers_total{{{HERE_ONLY}}}[1h])) > 0", "{{trigger}}"),),
        stacked=True,
        interval="1h",
    ),
    Panel(
        "File types over time",
        "Emotet changed its container about twenty times.",
        "bars",
        (
            (
                f'sum by (type) (increase(macrogate_parts_total{{{HERE_ONLY}, verdict=~"auto.*|susp.*"}}[1h])) > 0',
                "{{type}}",
            ),
        ),
        stacked=True,
        interval="1h",
    ),
)

DASHBOARDS = {
    "overview": ("Macrogate: overview", "now-24h", OVERVIEW),
    "health": ("Macrogate: health", "now-3h", HEALTH),
    "campaigns": ("Macrogate: campaigns", "now-7d", CAMPAIGNS),
}

GRAFANA_KIND = {"bars": "timeseries", "ranking": "bargauge"}


def panel_json(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    """One panel as Grafana 10 and newer reads it."""
    instant = panel.kind in {"stat", "ranking"}
    targets = []
    for index, (query, legend) in enumerate(panel.queries):
        target = {
            "refId": chr(ord("A") + index),
            "expr": query,
            "legendFormat": legend or "__auto",
            "datasource": SOURCE,
        }
        targets.append(target | ({"instant": True, "range": False} if instant else {"range": True}))
        if panel.kind == "heatmap":
            targets[-1]["format"] = "heatmap"
    return {
        "id": number,
        "title": panel.title,
        "description": panel.answers,
        "type": GRAFANA_KIND.get(panel.kind, panel.kind),
        "datasource": SOURCE,
        "gridPos": place,
        "targets": targets,
        "fieldConfig": {"defaults": _field(panel), "overrides": list(_overrides(panel.colours))},
        "options": _options(panel),
        **({"interval": panel.interval} if panel.interval else {}),
    }


def _field(panel: Panel) -> dict[str, Any]:
    first, *rest = panel.steps or ((0, GOOD),)
    steps = [{"value": None, "color": first[1]}, *({"value": value, "color": colour} for value, colour in rest)]
    field: dict[str, Any] = {"unit": panel.unit, "min": 0, "thresholds": {"mode": "absolute", "steps": steps}}
    field["color"] = {"mode": "thresholds" if panel.kind == "stat" else "palette-classic"}
    if panel.kind in {"stat", "ranking"}:
        field["decimals"] = 0 if panel.unit == "short" else 1
    if panel.kind in {"timeseries", "bars"}:
        field["custom"] = {
            "drawStyle": "bars" if panel.kind == "bars" else "line",
            "fillOpacity": 80 if panel.kind == "bars" else 25 if panel.stacked else 8,
            "lineWidth": 1,
            "showPoints": "never",
            "stacking": {"mode": "normal" if panel.stacked else "none"},
        }
    return field


def _overrides(colours: dict[str, str]) -> Iterator[dict[str, Any]]:
    for name, colour in colours.items():
        value = {"mode": "fixed", "fixedColor": colour}
        yield {"matcher": {"id": "byName", "options": name}, "properties": [{"id": "color", "value": value}]}


def _options(panel: Panel) -> dict[str, Any]:
    reduce = {"calcs": ["lastNotNull"], "fields": "", "values": False}
    match panel.kind:
        case "stat":
            return {"reduceOptions": reduce, "colorMode": "background", "graphMode": "none", "textMode": "value"}
        case "ranking":
            return {"reduceOptions": reduce, "orientation": "horizontal", "displayMode": "basic"}
        case "heatmap":
            return {"calculate": False, "yAxis": {"unit": "s"}, "color": {"scheme": "Oranges", "mode": "scheme"}}
        case _:
            legend = {"displayMode": "list", "placement": "bottom", "showLegend": True}
            return {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}


def places(panels: tuple[Panel, ...]) -> Iterator[dict[str, int]]:
    """Rows from left to right, each as high as its highest panel."""
    x = y = height = 0
    for panel in panels:
        if x + panel.width > WIDTH:
            x, y, height = 0, y + height, 0
        yield {"x": x, "y": y, "w": panel.width, "h": panel.height}
        x, height = x + panel.width, max(height, panel.height)


def dashboard_json(name: str) -> dict[str, Any]:
    """One dashboard. ``source`` and ``instance`` are chosen at its top."""
    title, since, panels = DASHBOARDS[name]
    source = {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}
    instance = {
        "name": "instance",
        "label": "Gateway",
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": 'label_values(up{job="macrogate"}, instance)', "refId": "instance"},
        "includeAll": True,
        "multi": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
        "refresh": 2,
    }
    links = [
        {"title": title, "type": "link", "url": f"/d/macrogate-{other}", "keepTime": True}
        for other, (title, *_) in DASHBOARDS.items()
        if other != name
    ]
    return {
        "uid": f"macrogate-{name}",
        "title": title,
        "tags": ["macrogate"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "1m",
        "time": {"from": since, "to": "now"},
        "links": links,
        "templating": {"list": [source, instance]},
        "panels": [
            panel_json(panel, number, place)
            for number, (panel, place) in enumerate(zip(panels, places(panels), strict=True), 1)
        ],
    }


def main() -> None:
    """Write them all."""
    for name in DASHBOARDS:
        text = json.dumps(dashboard_json(name), indent=1, ensure_ascii=False) + "\n"
        (HERE / f"{name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
