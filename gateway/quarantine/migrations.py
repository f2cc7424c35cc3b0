"""How the index of an older Macrogate becomes one of this version.

Contract: ``migrate`` runs in the write transaction of a daemon that opens the index, and is whole or not at all. A step
is written for the tables as they were then and never changed later; what it cannot tell from the tables,
``recovery.settle`` reads from the files afterwards.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, update

from gateway.quarantine import schema


def migrate(connection: Connection, version: int) -> None:
    """Take the steps from ``version`` on."""
    for step in STEPS[version - 1 :]:
        step(connection)
    connection.execute(update(schema.version).values(version=schema.VERSION))


def _to_2_places_and_search(connection: Connection) -> None:
    """Every message has a place in the list of its own, its time in microseconds; texts and macros can be searched."""
    run = connection.exec_driver_sql
    run("ALTER TABLE held ADD COLUMN place BIGINT DEFAULT '0' NOT NULL")
    run("UPDATE held SET place = CAST(round(kept_at * 1000000) AS INTEGER)")
    run("DROP INDEX held_by_time")
    run("CREATE INDEX held_by_place ON held (place, state, verdict)")
    last = -1
    shared = "SELECT id, place FROM held WHERE place IN (SELECT place FROM held GROUP BY place HAVING count(*) > 1)"
    for held_id, place in run(f"{shared} ORDER BY place, id").all():
        free = max(place, last + 1)
        while free != place and run("SELECT 1 FROM held WHERE place = ?", (free,)).first():
            free += 1
        run("UPDATE held SET place = ? WHERE id = ?", (free, held_id))
        last = free
    run(
        "CREATE TABLE macro (fingerprint VARCHAR(64) NOT NULL, place BIGINT NOT NULL, "
        "PRIMARY KEY (fingerprint, place)) WITHOUT ROWID"
    )
    run(
        "CREATE TABLE searched (place INTEGER NOT NULL, sender TEXT NOT NULL, recipient TEXT NOT NULL, "
        "subject TEXT NOT NULL, other TEXT NOT NULL, PRIMARY KEY (place))"
    )
    run(
        "CREATE VIRTUAL TABLE search USING fts5(sender, recipient, subject, other, content='searched', "
        "content_rowid='place', tokenize='trigram case_sensitive 1')"
    )


def _to_3_files(connection: Connection) -> None:
    """Files can be looked for. Only the records know them: what can be looked for is entered anew from them."""
    run = connection.exec_driver_sql
    run(
        "CREATE TABLE file (sha256 VARCHAR(64) NOT NULL, place BIGINT NOT NULL, "
        "PRIMARY KEY (sha256, place)) WITHOUT ROWID"
    )
    run("INSERT INTO search(search) VALUES ('delete-all')")
    run("DELETE FROM searched")
    run("DELETE FROM macro")


STEPS: tuple[Callable[[Connection], None], ...] = (_to_2_places_and_search, _to_3_files)
"""The first leads from version 1 to 2, and so on."""
