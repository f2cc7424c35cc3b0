"""People whom a provider of OpenID Connect signs in (OpenID Connect Core 1.0, the authorization code flow with PKCE).

Contract: the provider says who somebody is, the configuration says what they may; whom it gives no role does not get
in. Nothing the provider, or a browser that comes back from it, says is believed before it was verified. Here is what
the parts share; ``client`` puts them together, ``pages`` is what a browser sees.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from gateway.web.people import Role

CALLBACK = "/sign-in/oidc/callback"
"""Where the provider sends browsers back to; it has to know this address of ours."""


class ProviderError(Exception):
    """The provider cannot be used now; the message is a sentence for the admin, and for no stranger. ``known``: it is
    what was told a moment ago, and nobody has tried again since."""

    def __init__(self, sentence: str, *, known: bool = False) -> None:
        self.known = known
        super().__init__(sentence)


class NotLetInError(Exception):
    """This one is not let in; the message is a sentence for who stands at the door."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What is agreed with the provider. ``roles`` are the roles for the values of the claim ``role_claim``; ``home`` is
    the address of the pages, ``secret`` the file with the client's password, ``ca`` whom the provider has to be vouched
    for by (PEM); None for those the system trusts."""

    issuer: str
    client_id: str
    secret: Path
    home: str
    roles: Mapping[str, Role]
    name_claim: str = "preferred_username"
    role_claim: str = "groups"
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    ca: Path | None = None

    @property
    def host(self) -> str:
        """The provider, as people are told it."""
        return urlsplit(self.issuer).netloc

    @property
    def callback(self) -> str:
        """The redirect URI."""
        return self.home + CALLBACK


def read_secret(path: Path) -> str:
    """The one line of the file. Raises ``OSError``."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except UnicodeDecodeError:
        text = ""
    if not text or not text.isprintable():
        raise OSError(f"{path}: has to hold one line, the secret the provider has given this client")
    return text
