"""The results as a page of text and a picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.proof.ledger import Balance

MEBIBYTE = 1 << 20


def line(result: dict[str, Any]) -> str:
    """One result as one line."""
    balance = Balance(**{key: tuple(v) if isinstance(v, list) else v for key, v in result["balance"].items()})
    rate = balance.sent / result["seconds"]
    head = f"{result['part']} ×{result['done']} before {result['behind']}, {result['seconds']:.0f} s, {rate:.0f}/s"
    return "; ".join([f"{head}: {balance.sentence()}", *_facts(result), *result["complaints"]])


def _facts(result: dict[str, Any]) -> list[str]:
    facts = result["facts"]
    if result["part"] == "crowd":
        return [
            f"{facts['messages_per_second']:.0f} messages/s past {facts['idle']} idle and {facts['slow']} dripping "
            f"sessions, {facts['octets_per_session'] / 1024:.1f} KiB a session, {facts['turned_away']} turned away"
        ]
    if result["part"] == "soak":
        slopes = facts["growth_per_hour"]
        put_off = [f"{count} times {reply!r}" for reply, count in facts.get("put_off", {}).items()]
        return [
            f"{facts['messages_per_second']:.0f} messages/s",
            *put_off,
            f"daemon {slopes['daemon'] / MEBIBYTE:+.1f} MiB, workers {slopes['workers'] / MEBIBYTE:+.1f} MiB, "
            f"{slopes['descriptors']:+.1f} descriptors, {slopes['threads']:+.1f} threads an hour",
        ]
    return []


def write(folder: Path) -> int:
    """``report.txt`` and ``soak.svg`` from all results in ``folder``; 1 if one of them is bad, else 0."""
    results = [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))]
    text = "".join(f"{'ok ' if result['good'] else 'BAD'} {line(result)}\n" for result in results)
    kills = [result for result in results if result["part"] == "kills"]
    times = sum(result["done"] for result in kills)
    met = {what: sum(result["facts"].get(what, 0) for result in kills) for what in ("under way", "past dot", "starts")}
    sent = sum(result["balance"]["sent"] for result in results)
    lost = sum(len(result["balance"]["lost"]) for result in results)
    text += f"\nin all: {sent} messages, {lost} lost; {times} kills at random moments"
    text += f", {met['under way']} with messages under way, {met['past dot']} with one past its final dot"
    text += f", {met['starts']} during a start\n"
    (folder / "report.txt").write_text(text, "utf-8")
    print(text, end="")  # noqa: T201 - the report of a command
    for result in results:
        if result["part"] == "soak":
            draw(result["facts"]["samples"], folder / "soak.svg")
    return int(not all(result["good"] for result in results))


def draw(samples: list[dict[str, float]], path: Path) -> None:
    """Memory, descriptors and threads over time."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    minutes = [sample["seconds"] / 60 for sample in samples]
    figure, (memory, counts) = pyplot.subplots(2, 1, sharex=True, figsize=(8, 5))
    for name in ("daemon", "workers"):
        memory.plot(minutes, [sample[name] / MEBIBYTE for sample in samples], label=name)
    for name in ("descriptors", "threads", "processes"):
        counts.plot(minutes, [sample[name] for sample in samples], label=name)
    memory.set_ylabel("resident MiB")
    counts.set_xlabel("minutes")
    for axes in (memory, counts):
        axes.set_ylim(bottom=0)
        axes.legend(loc="center right")
        axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    pyplot.close(figure)
