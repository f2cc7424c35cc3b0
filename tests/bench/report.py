"""The tables, the JSON and the plot of a benchmark run."""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"
OURS = "Macrogate"
COUNTERPARTS = {
    "Postfix + clamav-milter + clamd": "Postfix + Macrogate as milter",
    "clamav-milter + clamd, asked": "Macrogate, asked as a milter",
}
"""What Macrogate is compared as, where it is not the proxy."""
TITLES = {
    "day": "mixed office day",
    "ooxml": "unique .docx and .xlsx",
    "ole": "unique .doc and .xls",
    "one text": "one session, 5 KB text",
    "one ooxml": "one session, 40 KB OOXML",
    "macro first": "one session, macro document, content never seen",
    "macro again": "one session, macro document, content seen before",
    "25 MiB": "one session, 25 MiB attachment",
}

Row = dict[str, Any]


def show(comparison: list[Row], single: list[Row], inside: dict[str, Row]) -> None:
    """Print and store everything."""
    console = Console(width=132)
    for case in ("day", "ooxml", "ole"):
        _compared(console, case, [row for row in comparison if row["case"] == case])
    _alone(console, single, inside)
    RESULTS.mkdir(exist_ok=True)
    facts = {"machine": platform.platform(), "comparison": comparison, "single": single, "inside": inside}
    (RESULTS / "bench.json").write_text(json.dumps(facts, indent=1))
    _plot(console, [row for row in comparison if row["case"] == "day" and not row["skipped"]])


def _compared(console: Console, case: str, rows: list[Row]) -> None:
    rates = {row["peer"]: row["per_second"] for row in rows}
    table = Table(title=f"{TITLES[case]}: several sessions, reused where the peer allows it")
    for column in ("path", "messages/s", "p50 ms", "p99 ms", "Macrogate is", "remarks"):
        table.add_column(column, justify="left" if column in ("path", "remarks") else "right")
    for row in rows:
        if row["skipped"]:
            table.add_row(row["peer"], "-", "-", "-", "-", row["skipped"][:200])
            continue
        ours = rates.get(COUNTERPARTS.get(row["peer"], OURS), 0.0)
        ratio = f"{ours / row['per_second']:.2f} x" if ours else "-"
        table.add_row(
            row["peer"], f"{row['per_second']:.0f}", f"{row['p50']:.1f}", f"{row['p99']:.1f}", ratio, _remarks(row)
        )
    console.print(table)


def _remarks(row: Row) -> str:
    refused = sum(row["refused"].values())
    return f"{refused} of {refused + row['accepted']} refused: {next(iter(row['refused']))[:60]}" if refused else ""


def _alone(console: Console, rows: list[Row], inside: dict[str, Row]) -> None:
    table = Table(title="one session")
    for column in ("case", "path", "p50 ms", "p99 ms", "MiB/s", "scan ms", "longest loop stall ms", "remarks"):
        table.add_column(column, justify="left" if column in ("case", "path", "remarks") else "right")
    for row in rows:
        title = TITLES.get(row["case"], row["case"])
        look = inside.get(row["case"], {}) if row["peer"] == OURS else {}
        own = (f"{look['scan']:.2f}", f"{look['stall']:.0f}") if look else ("", "")
        remarks = row["skipped"][:200] or _remarks(row)
        figures = (f"{row['p50']:.2f}", f"{row['p99']:.2f}", f"{row['mebibytes_per_second']:.0f}", *own)
        table.add_row(title, row["peer"], *(("-",) * 5 if row["skipped"] else figures), remarks)
    console.print(table)


def _plot(console: Console, rows: list[Row]) -> None:
    try:
        import matplotlib as mpl
    except ImportError:
        console.print("no plot: matplotlib is not installed (dependency group `bench`)")
        return
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    names = [row["peer"] for row in rows][::-1]
    figure, (rate, latency) = plt.subplots(1, 2, figsize=(11, 3.6), sharey=True)
    colours = ["#c0392b" if name in {OURS, *COUNTERPARTS.values()} else "#7f8c8d" for name in names]
    rate.barh(names, [row["per_second"] for row in rows][::-1], color=colours)
    rate.set_xscale("log")
    rate.set_xlabel("messages a second (more is better)")
    latency.barh(names, [row["p99"] for row in rows][::-1], color="#d5d8dc", label="p99")
    latency.barh(names, [row["p50"] for row in rows][::-1], color=colours, height=0.5, label="p50")
    latency.set_xscale("log")
    latency.set_xlabel("milliseconds a message: p50, p99 behind it (less is better)")
    figure.suptitle("Mixed office day, all on the same cores")
    figure.tight_layout()
    for suffix in ("png", "svg"):
        figure.savefig(RESULTS / f"bench.{suffix}", dpi=130)
    plt.close(figure)
    console.print(f"written: {RESULTS}/bench.json, bench.png, bench.svg")
