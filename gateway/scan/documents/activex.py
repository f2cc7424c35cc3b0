"""Controls in documents: the few classes that load, play or run something the moment the document is shown.

Contract: ``tell`` names a control by its class; an unknown class, or one of Microsoft Forms, is an ordinary form and
nothing is said. What the macros of a document do on the events of a control is told by ``vba``.
"""

from __future__ import annotations

import uuid

from gateway.closed_sets import Kind
from gateway.scan.look import Look

_FLASH = "Shockwave Flash, which plays a film that can run code"
_PLAYER = "a player of films that can run code"
_BROWSER = "a web browser, which loads an address"
_PAGE = "an HTML document, which can hold script"
_SCRIPTLET = "a scriptlet, which is a page of script"
_ENGINE = "a script engine"
_DESKTOP = "a remote desktop client, which connects to a server"
DANGEROUS = {
    "d27cdb6e-ae6d-11cf-96b8-444553540000": _FLASH,
    "d27cdb70-ae6d-11cf-96b8-444553540000": _FLASH,
    "233c1507-6a77-46a4-9443-f871f945d258": _PLAYER,  # Shockwave
    "dfeaf541-f3e1-4c24-acac-99c30715084a": _PLAYER,  # Silverlight
    "8856f961-340a-11d0-a96b-00c04fd705a2": _BROWSER,
    "eab22ac3-30c1-11cf-a7eb-0000c05bae0b": _BROWSER,
    "25336920-03f9-11cf-8fd0-00aa00686f13": _PAGE,
    "3050f4d8-98b5-11cf-bb82-00aa00bdce0b": "an HTML application, which is a program",
    "ae24fdae-03c6-11d1-8b76-0080c744f389": _SCRIPTLET,
    "06290bd2-48aa-11d2-8432-006008c3fbfc": _SCRIPTLET,
    "06290bd3-48aa-11d2-8432-006008c3fbfc": _SCRIPTLET,
    "0e59f1d5-1fbe-11d0-8ff2-00a0d10038bc": _ENGINE,
    "f414c260-6ac0-11cf-b6d1-00aa00bbbb58": _ENGINE,  # JScript
    "b54f3741-5b07-11cf-a4b0-00aa004a55e8": _ENGINE,  # VBScript
    "13709620-c279-11ce-a49e-444553540000": "the Windows shell, which starts programs",
    "72c24dd5-d70a-438b-8a42-98424b88afb8": "the script host, which starts programs",
    # MsRdpClient of each version, the one not safe for scripting last
    "7cacbd7b-0d99-468f-ac33-22e495c0afe5": _DESKTOP,
    "9059f30f-4eb1-4bd2-9fdc-36f43a218f4a": _DESKTOP,
    "971127bb-259f-48c2-bd75-5f97a3331551": _DESKTOP,
    "3523c2fb-4031-44e4-9a3b-f1e94986ee7f": _DESKTOP,
    "7584c670-2274-4efb-b00b-d6aaba6d3850": _DESKTOP,
    "6a6f4b83-45c5-4ca9-bdd9-0d81c12295e4": _DESKTOP,
    "ace575fd-1fcf-4074-9401-ebab990fa9de": _DESKTOP,
    "4edcb26c-d24c-4e72-af07-b576699ac0de": _DESKTOP,
    "54ce37e0-9834-41ae-9896-4dab69dc022b": _DESKTOP,
    "6ae29350-321b-42be-bbe5-12fb5270c0de": _DESKTOP,
    "4eb89ff4-7f78-4a0f-8b8d-2bf02e94e4b2": _DESKTOP,
    "4eb2f086-c818-447e-b32c-c51ce2b30d31": _DESKTOP,
    "7390f3d8-0439-4c05-91e3-cf5cb290c3d0": _DESKTOP,
    "d2ea46a7-c2bf-426b-af24-e19c44456399": _DESKTOP,
    "a9d7038d-b5ed-472e-9c47-94bea90a5910": _DESKTOP,
    "54d38bf7-b1ef-4479-9674-1bd6ea465258": _DESKTOP,
    "5f681803-2900-4c43-a1cc-cf405404a676": _DESKTOP,
    "a3bc03a0-041d-42e3-ad22-882b7865c9c5": _DESKTOP,
    "301b94ba-5d25-4a12-bffe-3b6e7a616585": _DESKTOP,
    "8b918b82-7985-4c24-89df-c33ad2bbfbcd": _DESKTOP,
    "c0efa91a-eeb7-41c7-97fa-f0ed645efb24": _DESKTOP,
    "a0c63c30-f08d-4ab4-907c-34905d770c7d": _DESKTOP,
}
"""Class identifiers, and what each control is: those Office itself refuses to load, those that run script or start
programs, and every version of the remote desktop client (Remote Desktop ActiveX control reference)."""


def tell(clsid: bytes | str, where: str, look: Look) -> None:
    """Report the control of this class; 16 bytes as a compound file keeps them, or text with or without braces."""
    try:
        name = str(uuid.UUID(bytes_le=clsid) if isinstance(clsid, bytes) else uuid.UUID(clsid.strip()))
    except ValueError:
        return
    if name in DANGEROUS:
        look.find(Kind.ACTIVEX, where, f"Holds a control that is {DANGEROUS[name]}", reference=f"{{{name.upper()}}}")
