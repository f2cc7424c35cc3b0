"""Where a linked object gets its content from: the ``\\x01Ole`` stream and its monikers (MS-OLEDS 2.3.3, MS-OSHARED).

Contract: ``inspect`` reports a source on another machine, and a moniker that makes code out of what it fetches
(CVE-2017-0199 and after). Monikers are looked for by their class, wherever they stand, because composite ones hold
others. Never raises.
"""

from __future__ import annotations

from gateway.closed_sets import Kind
from gateway.scan.documents.remote import is_remote
from gateway.scan.look import Look

STREAM_NAME = "\x01Ole"

_URL = bytes.fromhex("E0C9EA79F9BACE118C8200AA004BA90B")
_FILE = bytes.fromhex("0303000000000000C000000000000046")
_RUNNERS = {
    bytes.fromhex("C7B0ABEC197FD211978E0000F8757E2A"): "SOAP",
    bytes.fromhex("D30B2906AA48D2118432006008C3FBFC"): "script",
    bytes.fromhex("C6AFABEC197FD211978E0000F8757E2A"): "class",
}
"""Monikers whose object is made by running something."""
_MAX_ADDRESS = 4096


def inspect(stream: bytes, where: str, look: Look) -> None:
    """Look into one ``\\x01Ole`` stream, or any bytes that hold one."""
    for address in (*_urls(stream), *_files(stream)):
        if is_remote(address):
            sentence = f"Holds a linked object that is fetched from another machine: {address}"
            look.find(Kind.REMOTE_TEMPLATE, where, sentence, reference="MS-OLEDS 2.3.3")
    for mark, name in _RUNNERS.items():
        if mark in stream:
            sentence = f"Holds a linked object whose source runs code, a {name} moniker"
            look.find(Kind.OLE_PACKAGE, where, sentence, reference="MS-OLEDS 2.3.3")


def _urls(stream: bytes) -> list[str]:
    """A length in bytes, then the address in UTF-16."""
    return [_wide(stream[at + 20 : at + 20 + _MAX_ADDRESS]) for at in _places(stream, _URL)]


def _files(stream: bytes) -> list[str]:
    """Two bytes, a length, then the path in 8-bit letters."""
    paths = (stream[at + 22 : at + 22 + _MAX_ADDRESS].split(b"\0")[0] for at in _places(stream, _FILE))
    return [path.decode("cp1252", "replace") for path in paths]


def _wide(raw: bytes) -> str:
    return raw[: len(raw) & ~1].decode("utf-16-le", "replace").split("\0")[0]


def _places(stream: bytes, mark: bytes) -> list[int]:
    found: list[int] = []
    at = -1
    while len(found) < 8 and (at := stream.find(mark, at + 1)) >= 0:
        found.append(at)
    return found
