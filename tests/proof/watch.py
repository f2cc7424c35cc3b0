"""What the gateway uses while it runs: memory, descriptors and threads, the workers' memory too, sample by sample."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass

PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Sample:
    """``seconds`` since the beginning; resident memory in octets."""

    seconds: float
    daemon: int
    workers: int
    descriptors: int
    threads: int
    processes: int


def descendants(process: int) -> list[int]:
    """Every process that comes from ``process``, the nearest first."""
    found = [process]
    for parent in found:
        with suppress(OSError):
            for thread in os.listdir(f"/proc/{parent}/task"):
                with open(f"/proc/{parent}/task/{thread}/children", encoding="ascii") as file:
                    found += [int(word) for word in file.read().split()]
    return found[1:]


def look(process: int, began: float) -> Sample:
    """One sample. Raises ``OSError`` when the daemon is gone."""
    others = descendants(process)
    return Sample(
        seconds=time.monotonic() - began,
        daemon=_resident(process),
        workers=sum(_resident_of(other) for other in others),
        descriptors=len(os.listdir(f"/proc/{process}/fd")),
        threads=len(os.listdir(f"/proc/{process}/task")),
        processes=1 + len(others),
    )


def _resident(process: int) -> int:
    with open(f"/proc/{process}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * PAGE


def _resident_of(process: int) -> int:
    with suppress(OSError):
        return _resident(process)
    return 0


class Watch:
    """Samples of one daemon, one every ``interval`` seconds, until ``stop``."""

    def __init__(self, process: int, interval: float = 2.0) -> None:
        self.samples: list[Sample] = []
        self._process, self._interval = process, interval
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch")
        self._thread.start()

    def _run(self) -> None:
        began = time.monotonic()
        while True:
            with suppress(OSError):
                self.samples.append(look(self._process, began))
            if self._stop.wait(self._interval):
                return

    def stop(self) -> list[Sample]:
        self._stop.set()
        self._thread.join()
        return self.samples


def growth_per_hour(samples: list[Sample], name: str, warm: float = 0.25) -> float:
    """How much the figure of that name grows in an hour: the slope of the straight line nearest to the samples, the
    first ``warm`` of the time left out."""
    late = [sample for sample in samples if sample.seconds >= samples[-1].seconds * warm]
    times = [sample.seconds / 3600 for sample in late]
    values = [float(getattr(sample, name)) for sample in late]
    middle, mean = sum(times) / len(times), sum(values) / len(values)
    spread = sum((one - middle) ** 2 for one in times)
    along = sum((one - middle) * (value - mean) for one, value in zip(times, values, strict=True))
    return along / spread if spread else 0.0
