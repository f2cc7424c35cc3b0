"""Sockets that were open before us go to the listener of their address, and to no other."""

import asyncio
import contextlib
import socket
from pathlib import Path

import pytest

from gateway.listening import Inherited, listen


def test_each_goes_to_the_listener_of_its_address(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.create_server(("::1", 0), family=socket.AF_INET6) as tcp6,
        socket.socket(socket.AF_UNIX) as unix,
    ):
        unix.bind(str(tmp_path / "x.sock"))
        inherited = Inherited([tcp, tcp6, unix])
        assert inherited.take("127.0.0.2:25") is None
        assert inherited.take(f"[::1]:{tcp6.getsockname()[1]}") is tcp6
        assert inherited.take(f"127.0.0.1:{tcp.getsockname()[1]}") is tcp
        assert inherited.take(f"127.0.0.1:{tcp.getsockname()[1]}") is None
        assert inherited.left() == [f"unix:{tmp_path}/x.sock"]
        assert inherited.take(f"unix:{tmp_path}/x.sock") is unix
        assert inherited.left() == []


def test_what_nobody_takes_is_let_go_of() -> None:
    opened = socket.create_server(("127.0.0.1", 0))
    inherited = Inherited([opened])
    inherited.close()
    assert opened.fileno() == -1
    assert inherited.left() == []


@pytest.mark.parametrize("kind", ["asyncio", "uvloop"])
def test_closing_leaves_a_socket_that_was_open_before_us_open(tmp_path: Path, kind: str) -> None:
    """Whoever opened it holds it still, and its file has to stay where clients look for it."""
    path = tmp_path / "x.sock"

    async def serve_once(opened: socket.socket) -> None:
        server = await listen(asyncio.Protocol, f"unix:{path}", opened)
        server.close()
        await server.wait_closed()

    factory = pytest.importorskip("uvloop").Loop if kind == "uvloop" else None
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as ours:
        ours.bind(str(path))
        ours.listen()
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(serve_once(ours.dup()))
        assert path.is_socket()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
