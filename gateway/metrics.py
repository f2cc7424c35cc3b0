"""Every metric, its help and its labels, declared once.

Contract: names begin with ``macrogate_``; label values come from closed sets only, so the number of series does not
depend on what strangers send. One ``Metrics`` belongs to one daemon and owns its registry: nothing is global.
"""

from __future__ import annotations

import functools
import itertools
import platform
from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from gateway import __version__
from gateway.campaigns import Campaigns
from gateway.closed_sets import Action, AuthResult, Effect, HeldState, Kind, Verdict
from gateway.hours import Hours, Mishap
from gateway.message import Outcome

FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Seconds. From the 1 ms a seen document costs to the 60 s a message may take at the most."""

RANKS = tuple(str(rank) for rank in range(1, 11))
"""Of the campaigns that are told, the largest first."""

STARTED = frozenset({Kind.VBA_AUTOEXEC, Kind.XLM_AUTOEXEC})
"""Findings whose reference is the trigger."""

ON_FAILURE = "on-failure"
"""What decides where the scan gave no verdict."""

STAGES = ("connect", "ehlo", "mail", "rcpt", "data", "dot")
REPLY_CLASSES = ("2xx", "3xx", "4xx", "5xx", "error")
"""Of the next hop; ``error`` is no usable reply."""

OTHER = "other"
"""The label of a trigger that no rule file in force knows: a worker is not believed more than that."""


class Tally(Collector):
    """A counter that is counted elsewhere: commands release from processes of their own, and the index knows."""

    def __init__(self, name: str, text: str, label: str) -> None:
        self.name, self._text, self.label = name, text, label
        self.counts: dict[str, int] = {}

    def collect(self) -> Iterator[CounterMetricFamily]:
        """What the registry asks for at each scrape."""
        family = CounterMetricFamily(self.name, self._text, labels=[self.label])
        for value, count in self.counts.items():
            family.add_metric([value], count)
        yield family


def _quick(made: Counter) -> Counter:
    """``made``, whose labels are looked up a dozen times a message. The sets are closed: what is kept has an end."""
    made.labels = functools.cache(made.labels)  # type: ignore[method-assign]
    return made


class Metrics:
    """The counters of one gateway."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)

        def counter(name: str, text: str, *labels: str) -> Counter:
            return _quick(Counter(f"macrogate_{name}", text, labels, registry=registry))

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"macrogate_{name}", text, labels, registry=registry)

        def seconds(name: str, text: str, *labels: str) -> Histogram:
            return Histogram(f"macrogate_{name}_seconds", text, labels, registry=registry, buckets=FAST)

        self.messages = counter("messages_total", "Messages brought to an end.", "listener", "action")
        self.verdicts = counter("verdicts_total", "Messages by verdict.", "verdict")
        self.message_bytes = counter("message_bytes_total", "Bytes of the messages brought to an end.")
        self.parts = counter("parts_total", "Parts looked into, by what they are and their verdict.", "type", "verdict")
        self.findings = counter("findings_total", "Findings by kind.", "kind")
        self.triggers = counter("triggers_total", "Messages by what starts the macro in them.", "trigger")
        self.unexamined = counter("unexamined_total", "Messages without a verdict, by what was done.", "action")
        self.campaigns = gauge("campaigns", "Different macro codes seen in the last 24 hours.")
        self.campaign_messages = gauge(
            "campaign_messages", "Messages of the last 24 hours with one macro code, by its rank among them.", "rank"
        )
        self.rule_hits = counter("rule_hits_total", "Decisions by policy rule.", "rule", "mode")
        self.exceptions = gauge("exceptions", "Exceptions to the rules that are in force.", "effect")
        self.exception_uses = counter(
            "exception_uses_total", "Exceptions that were about a message, by whether they counted.", "effect", "result"
        )
        self.exceptions_unusable = gauge("exceptions_unusable", "1 while the file of exceptions cannot be used.")
        self.authentication = counter(
            "authentication_total", "Messages by how an authentication ended.", "method", "result"
        )
        self.scan_seconds = seconds("scan", "Time in the scan, waiting for a worker included.")
        self.message_seconds = seconds("message", "Time from the first octet of the message to the reply.")
        self.queue_seconds = seconds("queue_wait", "Time a message waited for a free worker.")
        self.next_hop_replies = counter("next_hop_replies_total", "Replies of the next hop.", "stage", "class")
        self.next_hop_seconds = seconds("next_hop", "Time from the final dot to the next hop's reply.")
        self.sessions = counter("sessions_total", "SMTP sessions by how they ended.", "listener", "end")
        self.sessions_open = gauge("sessions_open", "SMTP sessions open now.", "listener")
        self.workers = gauge("workers", "Scan workers alive.")
        self.workers_busy = gauge("workers_busy", "Scan workers at work.")
        self.worker_deaths = counter("worker_deaths_total", "Scan workers that died or were killed.", "reason")
        self.poisoned = counter("poisoned_total", "Messages held because their content killed workers repeatedly.")
        self.cache = counter("verdict_cache_total", "Documents asked of the verdict cache.", "result")
        self.cache_entries = gauge("verdict_cache_entries", "Documents the verdict cache remembers.")
        self.quarantine_messages = gauge("quarantine_messages", "Messages in quarantine.", "state")
        self.quarantine_bytes = gauge("quarantine_bytes", "Bytes of the messages held.")
        self.requests_waiting = gauge("release_requests_waiting", "Messages somebody asks to be released.")
        self.quarantine_oldest = gauge("quarantine_oldest_timestamp_seconds", "When the oldest held message came.")
        self.quarantine_free = gauge("quarantine_free_bytes", "Free bytes where held messages are stored.")
        self.keep_failures = counter("keep_failures_total", "Messages the quarantine could not store.")
        self.releases = Tally("macrogate_releases", "Releases by how they ended.", "result")
        registry.register(self.releases)
        self.letters = counter("letters_total", "Letters about held mail by what became of them.", "kind", "result")
        self.reloads = counter("reloads_total", "Reloads of the configuration.", "result")
        self.certificate_expiry = gauge(
            "certificate_expiry_timestamp_seconds", "When the TLS certificate shown to clients expires; 0 without TLS."
        )
        self._declare_ourselves(gauge)
        self.build = Info("macrogate_build", "What runs here.", registry=registry)
        self._known_triggers: frozenset[str] = frozenset()
        self._campaigns = Campaigns()
        self._begin()

    def _declare_ourselves(self, gauge: Callable[..., Gauge]) -> None:
        """How the process itself fares. ``hours`` is no series: it is for the start page."""
        self.hours = Hours()
        self.spool_free = gauge("spool_free_bytes", "Free bytes where messages lie that are on their way.")
        self.loop_lag = gauge("event_loop_lag_seconds", "Longest stall of the event loop since the last look.")
        self.log_dropped = gauge("log_lines_dropped", "Lines of the log that could not be written.")
        self.receiver_lines = gauge(
            "log_receiver_lines", "Lines that wait for a receiver of the log, or missed it.", "receiver", "state"
        )

    def _begin(self) -> None:
        """Every series of a closed set is there at 0 from the start: what appears with its first event has no rate,
        and an alert on it would miss that event."""
        self.build.info({"version": __version__, "python": platform.python_version()})
        for listener, action in itertools.product(("smtp",), Action):
            self.messages.labels(listener, action)
        one_label: tuple[tuple[Counter | Gauge, Iterable[str]], ...] = (
            (self.verdicts, (verdict.label for verdict in Verdict)),
            (self.findings, Kind),
            (self.unexamined, (Action.DEFER, Action.QUARANTINE, Action.DELIVER)),
            (self.exceptions, Effect),
            (self.worker_deaths, ("timeout", "memory", "crash", "protocol")),
            (self.reloads, ("taken", "refused")),
            (self.cache, ("hit", "miss")),
            (self.quarantine_messages, HeldState),
            (self.campaign_messages, RANKS),
        )
        for metric, values in one_label:
            for value in values:
                metric.labels(value)
        for effect, result in ((Effect.ALLOW, "counted"), (Effect.ALLOW, "ignored"), (Effect.BLOCK, "counted")):
            self.exception_uses.labels(effect, result)
        for stage, kind_of_reply in itertools.product(STAGES, REPLY_CLASSES):
            self.next_hop_replies.labels(stage, kind_of_reply)
        for kind_of_letter, result in itertools.product(("digest", "request"), ("sent", "put-off", "refused")):
            self.letters.labels(kind_of_letter, result)
        for method, found in itertools.product(("dkim", "arc", "dmarc", "spf"), AuthResult):
            self.authentication.labels(method, found)

    def know_triggers(self, ids: Iterable[str]) -> None:
        """The rules in force: the ids of their triggers are the labels there may be."""
        self._known_triggers = frozenset(ids)
        for name in self._known_triggers:
            self.triggers.labels(name)

    def refresh_campaigns(self) -> None:
        """Bring the gauges of the campaigns up to date for a scrape."""
        sizes = self._campaigns.sizes()
        self.campaigns.set(len(sizes))
        for rank, size in itertools.zip_longest(RANKS, sizes[: len(RANKS)], fillvalue=0):
            self.campaign_messages.labels(rank).set(size)

    def message(self, outcome: Outcome) -> None:
        """Count one message that came to its end."""
        report, decision = outcome.report, outcome.decision
        self.hours.message(outcome)
        self.messages.labels(outcome.transaction.listener, decision.action).inc()
        self.verdicts.labels(report.verdict.label).inc()
        self.message_bytes.inc(outcome.transaction.size)
        for part in report.parts:
            self.parts.labels(part.type, part.verdict.label).inc()
        for finding in report.findings:
            self.findings.labels(finding.kind).inc()
        self._count_macros(outcome)
        self.rule_hits.labels(decision.rule, "applied").inc()
        for rule in decision.shadow:
            self.rule_hits.labels(rule, "shadow").inc()
        for one in decision.exceptions:
            self.exception_uses.labels(one.effect, "ignored" if one.ignored else "counted").inc()
        if (found := report.authentication) is not None:
            results = {"dkim": found.dkim_result, "arc": found.arc.result, "dmarc": found.dmarc.result}
            for method, result in {**results, "spf": found.spf.result}.items():
                self.authentication.labels(method, result).inc()
        if "scan" in outcome.seconds:
            self.scan_seconds.observe(outcome.seconds["scan"])
        self.message_seconds.observe(outcome.seconds["total"])
        if "deliver" in outcome.seconds:
            self.next_hop_seconds.observe(outcome.seconds["deliver"])

    def _count_macros(self, outcome: Outcome) -> None:
        findings = [finding for finding in outcome.report.findings if finding.kind in STARTED]
        names = {finding.reference for finding in findings}
        for name in {name if name in self._known_triggers else OTHER for name in names}:
            self.triggers.labels(name).inc()
        self._campaigns.seen(finding.fingerprint for finding in outcome.report.findings)
        if outcome.decision.rule == ON_FAILURE:
            self.unexamined.labels(outcome.decision.action).inc()
            if outcome.decision.action is Action.DELIVER:
                self.hours.count(Mishap.UNEXAMINED)

    def not_kept(self) -> None:
        """The quarantine could not store a message."""
        self.keep_failures.inc()
        self.hours.count(Mishap.NOT_KEPT)

    def worker_died(self, reason: str) -> None:
        """``reason`` is one of the closed set of its label."""
        self.worker_deaths.labels(reason).inc()
        self.hours.count(Mishap.WORKER_DIED)
