"""How the gateway fares: each trouble is told with the page that says what to do, and a good day tells none."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway import health as health_module
from gateway.closed_sets import Action, Verdict
from gateway.config import Settings
from gateway.events import MailLog
from gateway.exceptions import ExceptionList
from gateway.generation import Generation
from gateway.health import CERTIFICATE_NOTICE, LITTLE_ROOM, LITTLE_SPOOL, MANY_DEATHS, TOO_OLD, Health
from gateway.hours import Fate, Mishap
from gateway.message import Decision, Reply, Report
from gateway.metrics import Metrics
from gateway.quarantine import Quarantine
from gateway.quarantine.errors import QuarantineError
from gateway.smtp.client import HopError
from gateway.spool import Spool
from tests.e2e.tools import DEPLOY, ROOT
from tests.unit.test_events import outcome

GONE = Reply.of("451 4.4.1 Nobody answers")


class Hops:
    """The way to a next hop that is there unless ``gone``."""

    gone = False

    async def acquire(self, _client: Any) -> object:
        if self.gone:
            raise HopError(GONE, "gone")
        return object()

    async def release(self, _hop: object) -> None: ...


class Setup:
    """A gateway that is well, to be made ill."""

    def __init__(self, quarantine: Quarantine, folder: Path) -> None:
        self.quarantine, self.metrics, self.hops = quarantine, Metrics(), Hops()
        self.count, self.receiver = (2, 1), SimpleNamespace(name="file", lost=0, waiting=0)
        workers = SimpleNamespace(thing=self)
        generation = SimpleNamespace(hops=self.hops, workers=workers, jail=SimpleNamespace(workers=2))
        self.exceptions = ExceptionList(folder / "exceptions.json")
        self.health = Health(
            quarantine,
            self.metrics,
            MailLog(io.StringIO(), also=[self.receiver]),
            self.exceptions,
            lambda: cast(Generation, generation),
            lambda: cast(Settings, SimpleNamespace(smtp=SimpleNamespace(next_hop="127.0.0.1:10026"))),
        )

    async def told(self) -> dict[str, tuple[str, bool]]:
        """The pages that are named, and whether it is grave."""
        return {one.part: (one.runbook, one.grave) for one in (await self.health.today()).troubles}

    def happened(self, what: Fate | Mishap, number: int = 1) -> None:
        self.metrics.hours.count(what, number)


@pytest.fixture
async def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Setup]:
    room(monkeypatch, 10**11)
    quarantine = await Quarantine.open(
        f"sqlite://{tmp_path}/q.db", f"file://{tmp_path}/m", exclusive=True, two_person=False
    )
    monkeypatch.setattr(quarantine._ledger.blobs, "free", lambda: 10**11)
    try:
        yield Setup(quarantine, tmp_path)
    finally:
        await quarantine.close()


def room(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    monkeypatch.setattr(health_module.shutil, "disk_usage", lambda _path: SimpleNamespace(free=free))


async def test_a_good_day_has_no_troubles(setup: Setup) -> None:
    setup.happened(Fate.PASSED, 1000)
    setup.happened(Fate.DEFERRED, 20)
    setup.happened(Mishap.WORKER_DIED, MANY_DEATHS)
    setup.health.certificate_expiry = (datetime.now(UTC) + timedelta(days=15)).timestamp()
    today = await setup.health.today()
    assert today.troubles == ()
    assert today.trouble == {}
    assert dict(today.counts)[Fate.PASSED][-1] == 1000
    assert (today.workers, today.busy, today.hired, today.deaths) == (2, 1, 2, MANY_DEATHS)
    assert (today.next_hop, today.held, today.last) == ("127.0.0.1:10026", 0, None)
    assert [one.low for one in today.rooms] == [False, False]


def _hop_gone(setup: Setup) -> None:
    setup.hops.gone = True


def _disk_failed(setup: Setup) -> None:
    setup.quarantine.trouble = "the disk failed to write"


def _no_worker(setup: Setup) -> None:
    setup.count = (0, 0)


def _refused(setup: Setup) -> None:
    setup.health.refused = "no such file"


def _unusable(setup: Setup) -> None:
    setup.exceptions.trouble = "not JSON"


def _expiring(setup: Setup) -> None:
    setup.health.certificate_expiry = (datetime.now(UTC) + CERTIFICATE_NOTICE - timedelta(hours=1)).timestamp()


def _lost(setup: Setup) -> None:
    setup.receiver.lost = 3


def happens(what: Fate | Mishap, number: int = 1) -> Callable[[Setup], None]:
    return lambda setup: setup.happened(what, number)


@pytest.mark.parametrize(
    ("ill", "told"),
    [
        (_hop_gone, {"next-hop": ("next-hop-failing", True)}),
        (_disk_failed, {"quarantine": ("quarantine-failing", True)}),
        (_no_worker, {"workers": ("workers-dying", True)}),
        (happens(Mishap.UNEXAMINED), {"unexamined": ("passes-unexamined", True)}),
        (happens(Mishap.NOT_KEPT), {"not-kept": ("quarantine-failing", False)}),
        (happens(Mishap.WORKER_DIED, MANY_DEATHS + 1), {"workers": ("workers-dying", False)}),
        (happens(Fate.DEFERRED, 11), {"deferred": ("defers-rising", False)}),
        (_lost, {"log": ("log-lines-lost", False)}),
        (_unusable, {"exceptions": ("exceptions-unusable", False)}),
        (_refused, {"configuration": ("reload-refused", False)}),
        (_expiring, {"certificate": ("certificate-expiring", False)}),
    ],
)
async def test_each_trouble_has_its_page(
    setup: Setup, ill: Callable[[Setup], None], told: dict[str, tuple[str, bool]]
) -> None:
    ill(setup)
    assert await setup.told() == told
    for runbook, _ in told.values():
        assert (ROOT / "docs" / "runbooks" / f"{runbook}.md").is_file()


async def test_little_room_is_told_of_both_disks(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup.quarantine._ledger.blobs, "free", lambda: int(LITTLE_ROOM) - 1)
    room(monkeypatch, int(LITTLE_SPOOL) - 1)
    sentences = [(one.sentence, one.runbook) for one in (await setup.health.today()).troubles]
    assert sentences == [
        ("Only 1.9 GiB are free for held messages.", "disk-filling"),
        ("Only 467.3 MiB are free for messages on their way.", "spool-filling"),
    ]


async def test_a_small_change_of_what_is_free_is_no_news(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await setup.health.today()
    room(monkeypatch, 10**11 + 4096)
    assert await setup.health.today() == first


async def test_a_disk_that_cannot_be_asked_is_unknown(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_path: str) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(shutil, "disk_usage", gone)
    today = await setup.health.today()
    assert (today.rooms[1].free, today.troubles) == (None, ())
    await setup.health.refresh()
    value = setup.metrics.registry.get_sample_value("macrogate_spool_free_bytes")
    assert value != value  # noqa: PLR0124 - that is what not a number is


async def test_a_message_nobody_decides_on_is_told_after_a_week(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    one = outcome()
    with_it = Spool.of(b"Subject: x\r\n\r\nhello\r\n")
    await setup.quarantine.keep(
        "0" * 16, one.transaction, with_it, Report(Verdict.SUSPICIOUS), Decision(Action.QUARANTINE, "rule", "why")
    )
    today = await setup.health.today()
    assert (today.held, sum(today.hours), today.troubles) == (1, 1, ())
    monkeypatch.setattr(health_module, "TOO_OLD", timedelta(0))
    assert await setup.told() == {"forgotten": ("quarantine-forgotten", False)}


async def test_an_index_that_does_not_answer_is_a_trouble_and_no_error(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def locked() -> Any:
        raise QuarantineError("the index is locked")

    monkeypatch.setattr(setup.quarantine, "stats", locked)
    today = await setup.health.today()
    assert [(one.part, one.grave) for one in today.troubles] == [("quarantine", True)]
    assert "the index is locked" in today.trouble["quarantine"]
    assert today.rooms[0].free is None


async def test_lost_lines_belong_to_the_hour_in_which_they_are_seen(setup: Setup) -> None:
    setup.receiver.lost = 3
    await setup.health.refresh()
    setup.receiver.lost = 5
    await setup.health.today()
    await setup.health.today()
    assert setup.metrics.hours.lately(Mishap.LINE_LOST) == 5


def test_the_page_and_the_pager_say_the_same() -> None:
    alerts = (DEPLOY / "prometheus" / "alerts.yml").read_text()

    def limit(pattern: str) -> float:
        found = re.search(pattern, alerts)
        assert found, pattern
        return float(found[1])

    assert limit(r"macrogate_quarantine_free_bytes < (\S+)") == LITTLE_ROOM
    assert limit(r"macrogate_spool_free_bytes < (\S+)") == LITTLE_SPOOL
    assert limit(r"worker_deaths_total\[10m\]\)\) > (\d+)") == MANY_DEATHS
    assert limit(r"oldest_timestamp_seconds > (\d+) \* 86400") == TOO_OLD.days
    assert limit(r"- time\(\) < (\d+) \* 86400") == CERTIFICATE_NOTICE.days
