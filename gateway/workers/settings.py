"""What the pool of workers is told once.

Contract: frozen, and nothing here does anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.jail.process import Orders


@dataclass(frozen=True, slots=True)
class Jail:
    """Settings. ``timeout`` (wall clock) and ``queue_timeout`` in seconds, ``max_memory`` in bytes of a worker's
    address space, ``queue`` in messages that may wait for a worker, ``limits`` the fields of ``scan.budget.Limits``."""

    workers: int
    timeout: float
    max_memory: int
    queue: int
    queue_timeout: float
    limits: Mapping[str, int | float]
    triggers_toml: str
    contact: str
    passwords: tuple[str, ...] = field(default=(), repr=False)
    yara: tuple[tuple[str, str], ...] = ()
    """YARA rule files as (name, text). They are compiled by the workers only: a bad one makes them unfit."""
    language: str = "en"
    templates: tuple[tuple[str, str], ...] = ()
    """Own wording of the notices, as (action, text)."""
    authserv_id: str = ""
    trusted: tuple[str, ...] = ()
    """As in ``Orders``."""
    poison_after: int = 3
    messages_per_worker: int = 1000
    """Jobs after which a worker is replaced, should nothing replace it earlier."""
    tasks: str = "gateway.jail.tasks:make"
    """What the workers do; tests name something else."""

    @property
    def orders(self) -> Orders:
        """What each worker is told of it."""
        return Orders(
            tasks=self.tasks,
            max_memory=self.max_memory,
            timeout=self.timeout,
            limits=dict(self.limits),
            triggers_toml=self.triggers_toml,
            contact=self.contact,
            passwords=self.passwords,
            yara=self.yara,
            language=self.language,
            templates=self.templates,
            authserv_id=self.authserv_id,
            trusted=self.trusted,
        )
