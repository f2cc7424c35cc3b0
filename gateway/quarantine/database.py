"""The SQLite file behind the index: made, opened, checked.

Contract: what is committed survives a power cut (WAL with ``synchronous=FULL``); a lock held by another process is
waited for ``BUSY_SECONDS`` at the most; readers never wait for writers. A file that is corrupt, not ours or newer
than us is refused with the sentence that helps, and not touched. One that is older is brought up to us when a daemon
opens it.
"""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, insert, inspect, select
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from gateway.message import clip
from gateway.quarantine import schema
from gateway.quarantine.errors import StoreRefused
from gateway.quarantine.location import give_to_owner
from gateway.quarantine.migrations import migrate

BUSY_SECONDS = 5.0
READERS = 4
"""Connections, and threads, beside the one that writes."""


class NewerStore(StoreRefused):
    """Written by a newer Macrogate; not even ``rebuild`` may touch it."""


def prepare_file(path: Path, create: bool) -> None:
    """See that the file is there. SQLite would make one that everybody can read; -wal and -shm take after it.

    Raises ``OSError``.
    """
    if create:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            give_to_owner(descriptor, path.parent)
            os.close(descriptor)
    os.close(os.open(path, os.O_RDWR | os.O_CLOEXEC))


def engine_for(path: Path) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={
            "timeout": BUSY_SECONDS,
            "isolation_level": None,  # the driver leaves BEGIN to us
            "check_same_thread": False,  # the pool gives a connection to one thread at a time
        },
        pool_size=1 + READERS,
        max_overflow=0,
        pool_use_lifo=True,  # the one used last knows the statements
    )

    @event.listens_for(engine, "connect")
    def _settings(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "trusted_schema=OFF"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def check(connection: Connection, path: Path, create: bool) -> bool:
    """Whether the database was empty; then the tables are made, if ``create``, as they are brought up to this version
    if they are older."""
    tables = set(inspect(connection).get_table_names())
    if not tables and create:
        schema.metadata.create_all(connection)
        connection.execute(insert(schema.version), {"version": schema.VERSION})
        return True
    if not tables:
        raise StoreRefused(
            f"The quarantine index {path} is empty: start the daemon, or run 'macrogate quarantine rebuild'"
        )
    if not {"held", schema.version.name} <= tables:
        raise StoreRefused(f"{path} is a database of something else; name another file in quarantine.store")
    version = connection.scalar(select(schema.version.c.version))
    if version is None or version < 1:
        raise StoreRefused(corrupt(path, "it has no version"))
    if version > schema.VERSION:
        raise NewerStore(
            f"The quarantine index {path} has version {version}, this Macrogate knows version {schema.VERSION}: "
            "it was written by a newer one, which is the one to start"
        )
    if version < schema.VERSION and not create:
        raise StoreRefused(
            f"The quarantine index {path} has version {version}, this Macrogate works with version {schema.VERSION}: "
            "restart the daemon, which brings the index up to it"
        )
    if create:
        trouble = str(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar())
        if trouble != "ok":
            raise StoreRefused(corrupt(path, trouble))
        migrate(connection, version)
    return False


def disk_failed(error: BaseException) -> bool:
    """Whether a sync failed in a way that another sync cannot be trusted after."""
    name = getattr(getattr(error, "orig", None), "sqlite_errorname", "")
    return getattr(error, "errno", None) == errno.EIO or name in ("SQLITE_IOERR_FSYNC", "SQLITE_IOERR_DIR_FSYNC")


def corrupt(path: Path, trouble: str) -> str:
    return (
        f"The quarantine index {path} is damaged ({clip(trouble, 200)}). No mail is lost: stop the daemon and run "
        "'macrogate quarantine rebuild', which makes a new index from the message files"
    )
