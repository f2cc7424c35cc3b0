"""What holds for every test: property tests are not timed, and where ``CI`` is set they draw the same examples each
time, so that a build fails for what the commit changed.

``pytest -n 3``, as ``make test`` has it, runs the files in several processes, each file in one. Those that are dear to
begin with, and share it, share a process.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import LoadFileScheduling

TOGETHER = {
    "tests/corpus/": "corpus",  # its files, and what the scan says of each
    "tests/disarm/test_whole_corpus.py": "corpus",
    "tests/e2e/test_corpus.py": "corpus",
    "tests/clean/": "LibreOffice",  # its profiles, and its memory
    "tests/disarm/": "LibreOffice",
    "tests/unit/test_samples.py": "LibreOffice",
}

settings.register_profile(
    "macrogate", deadline=None, derandomize=bool(os.environ.get("CI")), suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("macrogate")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    """A process takes file after file in their order, for the long ones come first."""
    from xdist.scheduler import LoadFileScheduling

    class ByFile(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return next((name for beginning, name in TOGETHER.items() if file.startswith(beginning)), file)

    config.option.loadscopereorder = False
    return ByFile(config, log)
