"""What a look from here says about the further receivers of the log: whether they are there at all.

Contract: nothing is sent. What is wrong here is a warning and no mistake: a name server that is away while the machine
starts must not keep the gateway from starting, which goes on without the receiver and tries it again.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

from gateway.config import Settings
from gateway.receivers.places import CollectorPlace, SyslogPlace


def receivers(settings: Settings) -> str:
    """Where the log goes, in words."""
    log = settings.log
    also = [str(log.file)] if log.file is not None else []
    also += [f"syslog at {log.syslog}"] if log.syslog else []
    also += [log.http] if log.http else []
    return ", ".join([f"stderr as {log.format}", *also])


def doubts(settings: Settings) -> Iterator[str]:
    """One sentence for each receiver that cannot be there."""
    log = settings.log
    if log.file is not None:
        yield from _file(log.file)
    if log.syslog:
        place = SyslogPlace.parse(log.syslog)
        if place.transport != "unix":
            yield from _name("log.syslog", place.endpoint.host, place.endpoint.port)
        elif not Path(place.endpoint.path).is_socket():
            yield f"log.syslog: there is no socket at {place.endpoint.path}"
    if log.http:
        collector = CollectorPlace.parse(log.http)
        yield from _name("log.http", collector.host, collector.port)


def _file(path: Path) -> Iterator[str]:
    try:
        there = path.exists()
        if there and not path.is_file():
            yield f"log.file: {path} is no regular file"
        elif not there and not path.parent.is_dir():
            yield f"log.file: there is no folder {path.parent}"
        elif not os.access(path if there else path.parent, os.W_OK):
            yield f"log.file: {path} cannot be written by the user who runs this"
    except OSError as error:
        yield f"log.file: {path}: {error.strerror}"


def _name(key: str, host: str, port: int) -> Iterator[str]:
    try:
        socket.getaddrinfo(host, port)
    except (OSError, UnicodeError) as error:
        yield f"{key}: {host} cannot be looked up: {getattr(error, 'strerror', None) or error}"
