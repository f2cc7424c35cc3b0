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
from tests.e2e.tools import free_port
from tests.proof.copies import identify_file
from tests.proof.hops import BadHop, RealPostfix
from tests.proof.ledger import Balance, Ledger
from tests.proof.load import Load
from tests.proof.releases import Releases
from tests.proof.zygote import WarmGateway, Zygote

SCAN = "[scan]\nworkers = 2\n"
POLICY = """
[[rule]]
id = "macros"
title = "A document in it has macros"
why = "For this proof"
action = "disarm"
when = { verdict = ["autoexec", "suspicious", "macro"] }
example = { findings = ["vba-autoexec"], type = "docm" }

[[rule]]
id = "unscannable"
title = "Nobody can look into it"
why = "For this proof"
action = "quarantine"
when = { verdict = "unscannable" }
example = { findings = ["encrypted"], type = "zip" }
"""


class Lane:
    """``with Lane("name", "postfix") as lane:`` starts what stands behind, then the gateway; its end stops both."""

    def __init__(
        self,
        name: str,
        behind: str,
        *,
        smtp: str = "",
        rate: float,
        senders: int = 40,
        activated: bool = False,
        zygote: Zygote | None = None,
        milter: bool = False,
    ) -> None:
        """``milter``: Postfix stands in front as well, asks the gateway, and macros are taken out."""
        self.name, self.behind = name, behind
        self._milter = f"127.0.0.1:{free_port()}" if milter else ""
        self.hop: RealPostfix | BadHop = (
            RealPostfix(f"inet:{self._milter}" if milter else "") if behind == "postfix" else BadHop()
        )
        self.smtp = f'next_hop = "127.0.0.1:{self.hop.port}"\nmax_sessions_per_client = 5000\n{smtp}'
        more = SCAN
        if milter:
            more += f'[milter]\nlisten = "{self._milter}"\n[policy]\nfile = "policy.toml"\n'
        self.gateway = GatewayProcess(self.smtp, more) if zygote is None else WarmGateway(self.smtp, more)
        (self.gateway.folder / "policy.toml").write_text(POLICY)
        if isinstance(self.gateway, WarmGateway):
            self.gateway.zygote = zygote
        if activated:
            self.gateway.hold_open(f"127.0.0.1:{self.gateway.port}", f"127.0.0.1:{self.gateway.http}")
        self.ledger = Ledger(name)
        self._rate, self._senders = rate, senders
        self.load: Load | None = None
        self._releases: Releases | None = None

    def __enter__(self) -> Lane:
        self.hop.start()
        try:
            self.gateway.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.load is not None:
            self.load.finish(0)
        if self._releases is not None:
            self._releases.stop()
        self.gateway.remove()
        self.hop.stop()

    @property
    def port(self) -> int:
        """Where mail comes in."""
        return self.hop.port if self._milter else self.gateway.port

    def send(self) -> None:
        """Begin to send."""
        self.load = Load(self.port, self.ledger, rate=self._rate, senders=self._senders)

    def release(self) -> None:
        """Begin to release what is held."""
        self._releases = Releases(self.gateway, self.ledger)

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
        if self._releases is not None:
            self._releases.stop()
        self.hop.settle()
        held = self.held()
        if self._milter:  # originals of what was delivered without its macros
            held = Counter({message_id: count for message_id, count in held.items() if not self.hop.copies[message_id]})
        return self.ledger.balance(self.hop.copies, held)

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
