"""Windows Installer packages: compound files that are no document, told by the class of their root (MS-CFB 2.6.1).

Contract: one look at the root entry of the directory. Never raises for any content.
"""

from __future__ import annotations

import struct

from gateway.closed_sets import Kind
from gateway.scan.look import Blob, Look

_CLASSES = {
    bytes.fromhex("84100C0000000000C000000000000046"): "an installer (.msi), which runs as it is opened",
    bytes.fromhex("86100C0000000000C000000000000046"): "an installer patch (.msp), which runs as it is opened",
    bytes.fromhex("82100C0000000000C000000000000046"): "an installer transform (.mst), which changes what is installed",
}
_CLASS_IN_ENTRY = 80


def inspect_installer(blob: Blob, look: Look) -> None:
    """Report an installer."""
    data = blob.data
    if len(data) < 512:
        return
    shift, first = struct.unpack_from("<H", data, 30)[0], struct.unpack_from("<I", data, 48)[0]
    if shift not in (9, 12):
        return
    root = ((first + 1) << shift) + _CLASS_IN_ENTRY
    kind = _CLASSES.get(bytes(data[root : root + 16]))
    if kind is not None:
        look.find(Kind.SCRIPT_CARRIER, blob.where, f"is {kind}", reference="MS-CFB 2.6.1")
