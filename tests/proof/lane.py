"""One chain under test: senders, a gateway in a process of its own, what stands behind it, and their ledger."""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from pathlib import Path
from types import TracebackType

from sqlalchemy import select

from gateway.quarantine import schema
from tests.e2e.gateway import GatewayProcess
from tests.proof.copies import identify_file
from tests.proof.hops import BadHop, RealPostfix
from tests.proof.ledger import Balance, Ledger
from tests.proof.load import Load
from tests.proof.zygote import WarmGateway, Zygote

SCAN = "[scan]\nworkers = 2\n"


class Lane:
    """``with Lane("name", "postfix") as lane:`` starts what stands behind, then the gateway; its end stops both."""

    def __init__(
        self,
        name: str,
        behind: str,
        *,
        smtp: str = "",
        rate: float = 75.0,
        senders: int = 40,
        activated: bool = False,
        zygote: Zygote | None = None,
    ) -> None:
        self.name, self.behind = name, behind
        self.hop: RealPostfix | BadHop = RealPostfix() if behind == "postfix" else BadHop()
        self.smtp = f'next_hop = "127.0.0.1:{self.hop.port}"\nmax_sessions_per_client = 5000\n{smtp}'
        self.gateway = GatewayProcess(self.smtp, SCAN) if zygote is None else WarmGateway(self.smtp, SCAN)
        if isinstance(self.gateway, WarmGateway):
            self.gateway.zygote = zygote
        if activated:
            self.gateway.hold_open(f"127.0.0.1:{self.gateway.port}", f"127.0.0.1:{self.gateway.http}")
        self.ledger = Ledger(name)
        self._rate, self._senders = rate, senders
        self.load: Load | None = None

    def __enter__(self) -> Lane:
        self.hop.start()
        self.gateway.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.load is not None:
            self.load.finish(0)
        self.gateway.remove()
        self.hop.stop()

    @property
    def port(self) -> int:
        return self.gateway.port

    def send(self) -> None:
        """Begin to send."""
        self.load = Load(self.port, self.ledger, rate=self._rate, senders=self._senders)

    @property
    def refused_connections(self) -> int:
        """Connections nobody listened for."""
        return self.load.refused_connections if self.load else 0

    def at_work(self) -> tuple[int, int]:
        """Messages under way through the gateway, and how many of them are past their final dot."""
        return (self.load.under_way, self.load.past_dot) if self.load else (0, 0)

    def balance(self, seconds: float = 180.0) -> Balance:
        """Stop sending, wait until every message has found its end, and add up."""
        assert self.load is not None
        self.load.finish(seconds)
        self.hop.settle()
        return self.ledger.balance(self.hop.copies, self.held())

    def held(self) -> Counter[str]:
        """Copies in quarantine, out of the message files themselves. Raises ``AssertionError`` if the index does not
        say the same."""
        found: Counter[str] = Counter()
        on_disk = set()
        for folder, _, names in os.walk(self.gateway.quarantine / "messages"):
            if "message.eml" in names:
                assert not folder.endswith(".tmp"), f"{folder} was left unfinished"
                on_disk.add(os.path.basename(folder))
                found[identify_file(Path(folder, "message.eml"))] += 1
        index = sqlite3.connect(f"file:{self.gateway.quarantine}/quarantine.db?mode=ro", uri=True)
        try:
            rows = {row[0] for row in index.execute(str(select(schema.held.c.id)))}
        finally:
            index.close()
        assert rows == on_disk, f"index and files differ: {sorted(rows ^ on_disk)[:5]}"
        return found
