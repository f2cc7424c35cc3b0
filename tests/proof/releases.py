"""Somebody who releases held mail by the API, one message after the other, and tries again as a person would."""

from __future__ import annotations

import json
import random
import threading
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

from gateway.web.people import Role
from gateway.web.users import Users
from tests.e2e.gateway import GatewayProcess
from tests.proof.copies import identify_file
from tests.proof.ledger import Ledger


class Releases:
    """From its beginning until ``stop``, while the gateway comes and goes."""

    def __init__(self, gateway: GatewayProcess, ledger: Ledger) -> None:
        self._gateway, self._ledger = gateway, ledger
        self._random, self._stop = random.Random(3), threading.Event()
        Users(gateway.folder / "users.json").put("ann", Role.RELEASER, "correct horse battery")
        self._token = gateway.run("token", "add", "proof", "--user", "ann", "--scope", "read,release").strip()
        self._done: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="releases")
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.2):
            folder = self._gateway.quarantine / "messages"
            waiting = [path for path in folder.glob("*/*") if path.suffix != ".tmp" and path.name not in self._done]
            if waiting:
                with suppress(FileNotFoundError):  # taken back meanwhile
                    self._release(self._random.choice(waiting))

    def _release(self, held: Path) -> None:
        one = self._ledger.releases[identify_file(held / "message.eml")]
        one.attempts += 1
        status, detail = self._post(held.name, {"why": "expected"})
        if status == 409 and ("releasing" in detail or "duplicate" in detail):  # what a kill left behind
            status, detail = self._post(held.name, {"why": "expected", "again": True})
        if status == 200:
            one.done += 1
        elif status == 409:  # released before: nothing was sent
            one.attempts -= 1
        if status in (200, 409):
            self._done.add(held.name)

    def _post(self, held_id: str, wish: dict[str, object]) -> tuple[int, str]:
        """The status, 0 when the gateway is gone or goes."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._gateway.http}/api/v1/messages/{held_id}/release",
            json.dumps(wish).encode(),
            {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, ""
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode("utf-8", "replace")
        except OSError:
            return 0, ""
