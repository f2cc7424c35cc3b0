"""The scripted next hop of ``tests/stubs`` on a thread of its own, for tests that drive other processes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.stubs.next_hop import StubHop


@contextmanager
def hop_thread(*arguments: Any, **settings: Any) -> Iterator[StubHop]:
    """A running ``StubHop``; its ``messages`` may be read from here at any time."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="next-hop")
    thread.start()
    stub = StubHop(*arguments, **settings)
    try:
        asyncio.run_coroutine_threadsafe(stub.start(), loop).result(10)
        try:
            yield stub
        finally:
            asyncio.run_coroutine_threadsafe(stub.stop(), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
