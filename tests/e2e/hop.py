"""The scripted next hop of ``tests/stubs`` on a thread of its own, for tests that drive other processes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any, TypeVar

from tests.stubs.next_hop import StubHop

Stub = TypeVar("Stub", bound=AbstractAsyncContextManager[Any])


@contextmanager
def on_a_thread(stub: Stub, name: str) -> Iterator[Stub]:
    """``stub`` at work in an event loop of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name=name)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(stub.__aenter__(), loop).result(10)
        try:
            yield stub
        finally:
            asyncio.run_coroutine_threadsafe(stub.__aexit__(None, None, None), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextmanager
def hop_thread(*arguments: Any, **settings: Any) -> Iterator[StubHop]:
    """A running ``StubHop``; its ``messages`` may be read from here at any time."""
    with on_a_thread(StubHop(*arguments, **settings), "next-hop") as stub:
        yield stub
