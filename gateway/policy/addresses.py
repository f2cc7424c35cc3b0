"""Mail addresses as a policy speaks of them: ``user@example.com``, ``@example.com``, ``.example.com``, ``<>``.

Contract: the same mailbox is the same address however it was spelled on the wire, so nobody steps around a rule by
writing ``"Bob"@EXAMPLE.com.`` or a source route. Never raises on what a client sent; ``AddressSet.of`` raises
``ValueError`` with one sentence for every wrong entry of the admin's.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gateway.mistakes import shown

MAX_LIST = 16 << 20
"""Bytes of one list file; far above any list kept by hand, far below what hurts."""


NULL_SENDER = "<>"
MAX_DOMAIN = 255
"""RFC 5321 §4.5.3.1.2; more is never looked at, which keeps the IDNA conversion cheap."""

_UNUSABLE = re.compile(r"[\s*<>,;]")
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)


def split(address: str) -> tuple[str, str]:
    """Local part and domain in the one spelling that is compared: lower case, no source route (RFC 5321 §4.1.2), no
    quotes that mean nothing, the domain as A-labels without its last dot. The domain is "" where there is none."""
    if address.startswith("@") and ":" in address:
        address = address.partition(":")[2]
    local, at, domain = address.rpartition("@")
    if not at:
        local, domain = domain, ""
    if len(local) >= 2 and local[0] == local[-1] == '"':
        local = _QUOTED_PAIR.sub(r"\1", local[1:-1])
    return local.casefold(), _domain(domain)


def _domain(domain: str) -> str:
    domain = domain[:MAX_DOMAIN].removesuffix(".")
    if domain.isascii():
        return domain.lower()
    try:
        return domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return domain.casefold()


@dataclass(frozen=True, slots=True)
class AddressSet:
    """Which addresses a condition is about."""

    exact: frozenset[tuple[str, str]]
    domains: frozenset[str]
    parents: tuple[str, ...]
    """With their leading dot: ``.example.com`` is every domain below example.com, not example.com itself."""
    null: bool = False

    @classmethod
    def of(cls, entries: Iterable[str]) -> AddressSet:
        """From the words of a policy or the lines of a list file."""
        exact, domains, parents, wrong, null = set(), set(), set(), [], False
        for entry in entries:
            local, domain = split(entry)
            if entry == NULL_SENDER:
                null = True
            elif _UNUSABLE.search(entry):
                wrong.append(entry)
            elif "@" in entry and domain:
                if local:
                    exact.add((local, domain))
                else:
                    domains.add(domain)
            elif entry.startswith(".") and len(entry) > 1 and "@" not in entry:
                parents.add("." + _domain(entry[1:]))
            else:
                wrong.append(entry)
        if wrong:
            raise ValueError(
                f'no address: {", ".join(map(shown, wrong))}; write "user@example.com", "@example.com" for a domain, '
                f'".example.com" for all domains below it, or "<>" for the sender of bounces'
            )
        return cls(frozenset(exact), frozenset(domains), tuple(sorted(parents)), null)

    def __contains__(self, address: object) -> bool:
        if not isinstance(address, str) or not address:
            return self.null and address == ""
        local, domain = split(address)
        return self.has_domain(domain) or (local, domain) in self.exact

    def has_domain(self, domain: str) -> bool:
        """Whether every address of ``domain`` (in the spelling of ``split``) is meant."""
        return domain in self.domains or domain.endswith(self.parents)


class AddressLists:
    """Makes sets of the address words of one policy, reading the list files it names once each."""

    def __init__(self, base: Path | None, text: str) -> None:
        self._base = base
        self._lists: dict[str, list[str]] = {}
        self._digest = hashlib.sha256(text.encode())

    @property
    def version(self) -> str:
        """SHA-256 over the policy's text and every list read so far."""
        return self._digest.hexdigest()

    def resolve(self, words: Iterable[str]) -> AddressSet:
        """Addresses and ``file:NAME`` words. Raises ``ValueError`` with the sentence about what is wrong."""
        entries: list[str] = []
        for word in words:
            entries += self._list(word.removeprefix("file:")) if word.startswith("file:") else [word]
        return AddressSet.of(entries)

    def _list(self, name: str) -> list[str]:
        if name not in self._lists:
            text = self._read(name)
            self._digest.update(f"\0{name}\0".encode() + text.encode())
            lines = (line.partition("#")[0].strip() for line in text.splitlines())
            self._lists[name] = [line for line in lines if line]
        return self._lists[name]

    def _read(self, name: str) -> str:
        if self._base is None:
            raise ValueError(f"list file {name!r}: this policy was not read from a folder that could have it")
        if Path(name).name != name:
            raise ValueError(f"list file {name!r}: must lie beside the policy; write its name without a folder")
        path = self._base / name
        try:
            with path.open("rb") as file:
                content = file.read(MAX_LIST + 1)
        except OSError as error:
            raise ValueError(f"list file {path} cannot be read: {error.strerror}") from None
        if len(content) > MAX_LIST:
            raise ValueError(f"list file {path} is larger than {MAX_LIST >> 20} MiB")
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(f"list file {path} is not UTF-8 text at byte {error.start}") from None
