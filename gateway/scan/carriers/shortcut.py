"""Windows shortcuts (MS-SHLLINK): what one starts, and with which arguments.

Contract: a shortcut is a carrier whatever it points to. Its target and arguments are read as far as the file allows, in
one walk without a loop over counts the file names; a shortcut that ends early is told with what could be read. Never
raises for any content.
"""

from __future__ import annotations

import struct

from gateway.closed_sets import Kind
from gateway.scan.look import Blob, Look

_HEADER_SIZE = 76  # MS-SHLLINK 2.1

# LinkFlags, MS-SHLLINK 2.1.1
_HAS_ID_LIST = 1 << 0
_HAS_LINK_INFO = 1 << 1
_IS_UNICODE = 1 << 7
_STRINGS = ("name", "relative path", "working directory", "arguments", "icon")
"""StringData in the order of the file, MS-SHLLINK 2.4; the first is there by bit 2, and so on."""
_FIRST_STRING_BIT = 2

_ENVIRONMENT_BLOCK = struct.pack("<II", 0x314, 0xA0000001)
"""Size and signature of the EnvironmentVariableDataBlock, MS-SHLLINK 2.5.4: a target with variables in it."""
_MAX_SHOWN = 300


def inspect_shortcut(blob: Blob, look: Look) -> None:
    """Report the shortcut with what it starts."""
    data = bytes(blob.data[: 1 << 18])
    target, arguments = _target(data)
    sentence = "is a Windows shortcut, which starts " + (target[:_MAX_SHOWN] or "a program") + " when it is opened"
    if arguments:
        sentence += f", with the arguments {arguments}"
    told = [f"{target} {arguments}".strip()] if target or arguments else []
    look.find(Kind.SCRIPT_CARRIER, blob.where, sentence, reference="MS-SHLLINK", indicators=told)


def _target(data: bytes) -> tuple[str, str]:
    """Path and arguments, "" for what is not there."""
    if len(data) < _HEADER_SIZE:
        return "", ""
    flags = struct.unpack_from("<I", data, 20)[0]
    at = _HEADER_SIZE
    if flags & _HAS_ID_LIST:
        at += 2 + _number(data, at, "<H")
    path = ""
    if flags & _HAS_LINK_INFO:
        path = _local_path(data, at)
        at += _number(data, at, "<I")
    strings = {}
    for bit, name in enumerate(_STRINGS, _FIRST_STRING_BIT):
        if flags & 1 << bit:
            strings[name], at = _string(data, at, wide=bool(flags & _IS_UNICODE))
    path = path or _expanded(data, at) or strings.get("relative path", "")
    # hundreds of blanks before the arguments hide them in the dialog of the shortcut
    return " ".join(path.split()), " ".join(strings.get("arguments", "").split())


def _local_path(data: bytes, at: int) -> str:
    """LocalBasePath, or the name of the share, of the LinkInfo at ``at`` (MS-SHLLINK 2.3)."""
    flags = _number(data, at + 8, "<I")
    if flags & 1:
        return _text(data, at + _number(data, at + 16, "<I"))
    if flags & 2:
        network = at + _number(data, at + 20, "<I")
        share = _text(data, network + _number(data, network + 8, "<I"))
        return share + "\\" + _text(data, at + _number(data, at + 24, "<I"))
    return ""


def _expanded(data: bytes, at: int) -> str:
    """The target of an EnvironmentVariableDataBlock behind ``at``."""
    block = data.find(_ENVIRONMENT_BLOCK, at)
    return _text(data, block + 8) if block >= 0 else ""


def _string(data: bytes, at: int, *, wide: bool) -> tuple[str, int]:
    """One counted string and where it ends."""
    size = _number(data, at, "<H") * (2 if wide else 1)
    text = data[at + 2 : at + 2 + size].decode("utf-16-le" if wide else "cp1252", "replace")
    return text.replace("\0", ""), at + 2 + size


def _text(data: bytes, at: int) -> str:
    return data[at : at + 260].split(b"\0")[0].decode("cp1252", "replace")


def _number(data: bytes, at: int, code: str) -> int:
    return int(struct.unpack_from(code, data, at)[0]) if at + struct.calcsize(code) <= len(data) else 0
