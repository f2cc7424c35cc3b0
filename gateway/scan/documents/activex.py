"""Controls in documents: the few classes that load, play or run something the moment the document is shown.

Contract: ``tell`` names a control by its class; an unknown class, or one of Microsoft Forms, is an ordinary form and
nothing is said. What the macros of a document do on the events of a control is told by ``vba``.
"""

from __future__ import annotations

import uuid

from gateway.message import Kind
from gateway.scan.look import Look

DANGEROUS = {
    "d27cdb6e-ae6d-11cf-96b8-444553540000": "Shockwave Flash, which plays a film that can run code",
    "d27cdb70-ae6d-11cf-96b8-444553540000": "Shockwave Flash, which plays a film that can run code",
    "8856f961-340a-11d0-a96b-00c04fd705a2": "a web browser, which loads an address",
    "eab22ac3-30c1-11cf-a7eb-0000c05bae0b": "a web browser, which loads an address",
    "25336920-03f9-11cf-8fd0-00aa00686f13": "an HTML document, which can hold script",
    "ae24fdae-03c6-11d1-8b76-0080c744f389": "a scriptlet, which is a page of script",
    "06290bd3-48aa-11d2-8432-006008c3fbfc": "a scriptlet, which is a page of script",
    "0e59f1d5-1fbe-11d0-8ff2-00a0d10038bc": "a script engine",
    "f414c260-6ac0-11cf-b6d1-00aa00bbbb58": "a script engine",
    "b54f3741-5b07-11cf-a4b0-00aa004a55e8": "a script engine",
    "13709620-c279-11ce-a49e-444553540000": "the Windows shell, which starts programs",
    "72c24dd5-d70a-438b-8a42-98424b88afb8": "the script host, which starts programs",
    "7390f3d8-0439-4c05-91e3-cf5cb290c3d0": "a remote desktop client, which connects to a server",
    "9059f30f-4eb1-4bd2-9fdc-36f43a218f4a": "a remote desktop client, which connects to a server",
    "7cacbd7b-0d99-468f-ac33-22e495c0afe5": "a remote desktop client, which connects to a server",
    "4eb2f086-c818-447e-b32c-c51ce2b30d31": "a remote desktop client, which connects to a server",
}
"""Class identifiers, and what each control is."""


def tell(clsid: bytes | str, where: str, look: Look) -> None:
    """Report the control of this class; 16 bytes as a compound file keeps them, or text with or without braces."""
    try:
        name = str(uuid.UUID(bytes_le=clsid) if isinstance(clsid, bytes) else uuid.UUID(clsid.strip()))
    except ValueError:
        return
    if name in DANGEROUS:
        look.find(Kind.ACTIVEX, where, f"Holds a control that is {DANGEROUS[name]}", reference=f"{{{name.upper()}}}")
