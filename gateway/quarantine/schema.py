"""The tables of the index, and which version of them this is.

The index is a copy for searching; the files are the truth (``recovery``). Texts in it are printable and bounded.
Times are seconds since the epoch, UTC.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    event,
)

VERSION = 3
"""Raised with every change of these tables, with a step in ``migrations``. An index of a newer version is refused,
never touched."""

metadata = MetaData()

version = Table("macrogate_version", metadata, Column("version", Integer, nullable=False))

held = Table(
    "held",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("kept_at", Float, nullable=False),
    Column("transaction_id", String(64), nullable=False),
    Column("client", String(64), nullable=False),
    Column("sender", Text, nullable=False),
    Column("from_header", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("action", String(16), nullable=False),
    Column("rule", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("stored", BigInteger, nullable=False, comment="bytes of the message still on disk"),
    Column("sha256", String(64), nullable=False),
    Column("envelope", String(64), nullable=False, comment="digest of sender and recipients, to find duplicates"),
    Column("duplicate_of", String(64), nullable=True),
    Column("recovered", Boolean, nullable=False),
    Column("note", Text, nullable=False),
    Column("revision", Integer, nullable=False, comment="sequence of the last journal entry seen"),
    Column("place", BigInteger, nullable=False, server_default="0", comment="in the list; no two have the same"),
    Index("held_by_place", "place", "state", "verdict"),
    Index("held_by_state", "state", "kept_at", "stored"),
    Index("held_by_content", "sha256", "envelope", "kept_at"),
)

recipient = Table(
    "recipient",
    metadata,
    Column("held_id", ForeignKey("held.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("address", Text, nullable=False),
    Column("delivered", Boolean, nullable=False),
)

macro = Table(
    "macro",
    metadata,
    Column("fingerprint", String(64), primary_key=True),
    Column("place", BigInteger, primary_key=True, autoincrement=False, comment="of a message that holds it"),
    sqlite_with_rowid=False,
)

file = Table(
    "file",
    metadata,
    Column("sha256", String(64), primary_key=True, comment="of a part in which something was found"),
    Column("place", BigInteger, primary_key=True, autoincrement=False, comment="of a message that holds it"),
    sqlite_with_rowid=False,
)

searched = Table(
    "searched",
    metadata,
    Column("place", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("sender", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("other", Text, nullable=False),
    comment="texts to look for, folded; written once with the message",
)

SEARCH = """
CREATE VIRTUAL TABLE search USING fts5(sender, recipient, subject, other, content='searched', content_rowid='place',
tokenize='trigram case_sensitive 1')
"""
event.listen(searched, "after_create", lambda _table, connection, **_: connection.exec_driver_sql(SEARCH))

audit = Table(
    "audit",
    metadata,
    Column("held_id", ForeignKey("held.id", ondelete="CASCADE"), primary_key=True),
    Column("sequence", Integer, primary_key=True),
    Column("at", Float, nullable=False),
    Column("who", Text, nullable=False),
    Column("what", String(32), nullable=False, index=True),
    Column("why", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("detail", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
)
