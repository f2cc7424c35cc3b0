"""The configuration: one TOML file made into frozen settings.

Contract: ``load`` returns settings that can work, every default filled in and every path absolute, or raises
``ConfigError`` with one sentence for each thing that is wrong. It reads the file and the TLS files it names and
changes nothing. What no single key can tell is checked in ``gateway.config.checks``.
"""

from __future__ import annotations

import os
import re
import socket
import stat
import tomllib
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError

from gateway.closed_sets import Action
from gateway.config.base import File, Section, line
from gateway.config.checks import problems
from gateway.config.oidc import OidcSection
from gateway.endpoint import Endpoint
from gateway.mistakes import duration, networks, sentences, shown, size
from gateway.receivers.places import CollectorPlace, SyslogPlace

DEFAULT_PATH = Path("/etc/macrogate/macrogate.toml")


class ConfigError(Exception):
    """The configuration cannot be used. ``mistakes`` has one sentence for each thing that is wrong."""

    def __init__(self, mistakes: Iterable[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(self.mistakes))


def rules_directory() -> Path:
    """Where the rules lie that came with the program: in the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "rules"
    return installed if installed.is_dir() else package.parent / "rules"


def _listener(value: object) -> str:
    endpoint = Endpoint.parse(line(value))
    if endpoint.lmtp:
        raise ValueError(f"{shown(value)}: this is a listener; lmtp: is for a next hop")
    return str(endpoint)


def _names(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(word, str) for word in value):
        raise ValueError(f'must be a list of host names like ["mx.example.com"], not {shown(value)}')
    return tuple(_hostname(word).lower() for word in value)


def _servers(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(word, str) for word in value):
        raise ValueError(f'must be a list of addresses like ["127.0.0.1", "192.0.2.53"], not {shown(value)}')
    return tuple(_server(word) for word in value)


def _server(text: str) -> str:
    host, port = text, "53"
    if found := re.fullmatch(r"\[([^]]*)\]:([0-9]{1,5})|([0-9.]+):([0-9]{1,5})", text):
        host, port = found[1] or found[3], found[2] or found[4]
    try:
        ip_address(host)
    except ValueError:
        raise ValueError(
            f"{shown(text)} is no IP address; write 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:5353"
        ) from None
    if not 1 <= int(port) <= 65535:
        raise ValueError(f"{shown(text)}: there is no such port")
    return text


def _hop(value: object) -> str:
    endpoint = Endpoint.parse(line(value))
    if not endpoint.path and endpoint.port == 0:
        raise ValueError(f"{shown(value)}: port 0 is nobody's; write the port the next hop listens on")
    return str(endpoint)


def _maybe(read: Any) -> Any:
    return lambda value: "" if value == "" else read(value)


def _hostname(value: object) -> str:
    text = line(value)
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,253}[A-Za-z0-9])?", text):
        raise ValueError(
            f"{shown(value)} is no host name; write the name this machine has in DNS, as in mx.example.com"
        )
    return text


def _networks(value: object) -> tuple[IPv4Network | IPv6Network, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(word, str) for word in value):
        raise ValueError(f'must be a list like ["127.0.0.1", "192.0.2.0/24"], not {shown(value)}')
    return networks(value)


def _mailbox(value: object) -> str:
    text = line(value)
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@[A-Za-z0-9.-]+", text):
        raise ValueError(f"{shown(value)} is no mail address; write it as admin@example.com, without a name")
    return text


def _mailboxes(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise ValueError(f'must be a list like ["admin@example.com"], not {shown(value)}')
    return tuple(_mailbox(one) for one in value)


def _time_of_day(value: object) -> str:
    text = line(value)
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text):
        raise ValueError(f"{shown(value)} is no time of day; write it as 07:00")
    return text


def _public_url(value: object) -> str:
    text = line(value)
    if not re.fullmatch(r"https?://[^/\s?#@]+/?", text):
        raise ValueError(
            f"{shown(value)}: write the address people type, without a path, as in https://macrogate.example.com"
        )
    return text.rstrip("/")


def _header(value: object) -> str:
    text = line(value)
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,63}", text):
        raise ValueError(f"{shown(value)} is no name of a header; write letters, digits and -, as in X-Remote-User")
    return text


def _syslog(value: object) -> str:
    return str(SyslogPlace.parse(line(value)))


def _collector(value: object) -> str:
    CollectorPlace.parse(line(value))
    return str(value)


def _on_failure(value: object) -> Action:
    words = (Action.DEFER, Action.QUARANTINE, Action.DELIVER)
    if value not in words:
        raise ValueError(f"must be {', '.join(words[:-1])} or {words[-1]}, not {shown(value)}")
    return Action(str(value))


MaybeListener = Annotated[str, BeforeValidator(_maybe(_listener))]
Hop = Annotated[str, BeforeValidator(_hop)]
MaybeHop = Annotated[str, BeforeValidator(_maybe(_hop))]
Text = Annotated[str, BeforeValidator(line)]
HostName = Annotated[str, BeforeValidator(_hostname)]
MaybeHostName = Annotated[str, BeforeValidator(_maybe(_hostname))]
HostNames = Annotated[tuple[str, ...], BeforeValidator(_names)]
Servers = Annotated[tuple[str, ...], BeforeValidator(_servers)]
Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], BeforeValidator(_networks)]
Size = Annotated[int, BeforeValidator(size)]
Seconds = Annotated[float, BeforeValidator(duration), Field(gt=0)]
Count = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
Switch = Annotated[bool, Field(strict=True)]


class Smtp(Section):
    """``[smtp]``"""

    listen: MaybeListener = "127.0.0.1:10024"
    next_hop: Hop = "127.0.0.1:10025"
    release_next_hop: MaybeHop = ""
    hostname: HostName = Field(default_factory=socket.gethostname)
    max_message_size: Size = 50 << 20
    max_recipients: Count = 1000
    trusted_peers: Networks = ()
    proxy_protocol: Switch = False
    tls_certificate: File | None = None
    tls_key: File | None = None
    next_hop_tls: Literal["off", "may", "require"] = "off"
    xclient: Switch = False
    bare_newline: Literal["normalize", "reject"] = "normalize"
    max_sessions: Count = 500
    max_sessions_per_client: Count = 50
    command_timeout: Seconds = 300.0
    data_timeout: Seconds = 180.0
    next_hop_timeout: Seconds = 40.0


class Milter(Section):
    """``[milter]``"""

    listen: MaybeListener = ""
    quarantine: Literal["store", "hold"] = "store"


class Http(Section):
    """``[http]``"""

    listen: MaybeListener = "127.0.0.1:8025"
    public_url: Annotated[str, BeforeValidator(_maybe(_public_url))] = ""
    trusted_proxies: Networks = ()
    user_header: Annotated[str, BeforeValidator(_maybe(_header))] = ""
    users: File = Path("/var/lib/macrogate/users.json")
    tokens: File = Path("/var/lib/macrogate/tokens.json")
    oidc: OidcSection | None = None


class Scan(Section):
    """``[scan]``"""

    workers: Count = Field(default_factory=lambda: len(os.sched_getaffinity(0)))
    timeout: Seconds = 20.0
    max_depth: Count = 8
    max_files: Count = 2000
    max_unpacked_size: Size = 256 << 20
    max_memory: Size = 1 << 30
    on_failure: Annotated[Action, BeforeValidator(_on_failure)] = Action.DEFER
    passwords: File | None = None
    queue: Count = 64
    queue_timeout: Seconds = 10.0
    messages_per_worker: Count = 1000


class PolicySection(Section):
    """``[policy]``"""

    rules: File = Field(default_factory=rules_directory)
    file: File = Field(default_factory=lambda known: known["rules"] / "policy.toml")
    exceptions: File = Path("/var/lib/macrogate/exceptions.json")


class KeySection(Section):
    """A key to sign with, by the name it has in DNS."""

    domain: HostName
    selector: HostName
    key: File


class AuthenticationSection(Section):
    """``[authentication]``"""

    verify: Switch = False
    authserv_id: MaybeHostName = ""
    trusted: HostNames = ()
    dns: Servers = ()
    timeout: Seconds = 5.0
    seal: KeySection | None = None
    sign: KeySection | None = None


class QuarantineSection(Section):
    """``[quarantine]``"""

    store: Text = "sqlite:///var/lib/macrogate/quarantine.db"
    messages: Text = "file:///var/lib/macrogate/messages"
    retention: Seconds = 30 * 86400.0
    contact: Text = ""
    two_person: Switch = False


class NoticeSection(Section):
    """``[notice]``"""

    language: Literal["en", "de", "ja"] = "en"
    templates: File | None = None
    link: Text = ""
    secret: File | None = None


class DigestSection(Section):
    """``[digest]``"""

    enabled: Switch = False
    domains: HostNames = ()
    at: Annotated[str, BeforeValidator(_time_of_day)] = "07:00"
    language: Literal["en", "de", "ja"] = "en"
    templates: File | None = None
    sender: Annotated[str, BeforeValidator(_maybe(_mailbox))] = ""
    notify: Annotated[tuple[str, ...], BeforeValidator(_mailboxes)] = ()
    state: File = Path("/var/lib/macrogate/digest.json")


class Log(Section):
    """``[log]``"""

    format: Literal["json", "text"] = "json"
    level: Literal["debug", "info", "warning", "error"] = "info"
    subject: Literal["text", "hash"] = "text"
    file: File | None = None
    syslog: Annotated[str, BeforeValidator(_maybe(_syslog))] = ""
    http: Annotated[str, BeforeValidator(_maybe(_collector))] = ""
    http_authorization: File | None = None
    tls_ca: File | None = None


class Settings(Section):
    """Everything that can be set. ``Settings()`` is what runs without a file."""

    smtp: Smtp = Smtp()
    milter: Milter = Milter()
    http: Http = Http()
    scan: Scan = Scan()
    policy: PolicySection = PolicySection()
    authentication: AuthenticationSection = AuthenticationSection()
    quarantine: QuarantineSection = QuarantineSection()
    notice: NoticeSection = NoticeSection()
    digest: DigestSection = DigestSection()
    log: Log = Log()


def load(path: Path | None = None) -> Settings:
    """The settings of a file; without one, of ``DEFAULT_PATH`` if there is such a file, else the defaults.

    Raises ``ConfigError`` with every mistake.
    """
    if path is None and not DEFAULT_PATH.exists():
        return _checked({}, None)
    path = path or DEFAULT_PATH
    try:
        with path.open("rb") as file:
            writable = os.fstat(file.fileno()).st_mode & (stat.S_IWGRP | stat.S_IWOTH)
            tables = tomllib.load(file)
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from None
    except ValueError as error:  # tomllib.TOMLDecodeError and UnicodeDecodeError
        raise ConfigError([f"{path}: not TOML: {error}"]) from None
    return _checked(tables, path.absolute().parent, [_writable(path)] if writable else [])


def _writable(path: Path) -> str:
    return (
        f"{path}: others than its owner may write it, and whoever can change it decides what is let through; "
        f"chmod go-w {path}"
    )


def _checked(tables: dict[str, Any], base: Path | None, mistakes: Iterable[str] = ()) -> Settings:
    """Settings that can work. Keys that cannot be read are left out for the checks between keys, so that both kinds of
    mistake are told at once; a check that needs one of them is not made."""
    found = list(mistakes)
    wrong: set[str] = set()
    try:
        settings = Settings.model_validate(tables, context=base)
    except ValidationError as error:
        found += sentences(error, Settings)
        paths = [detail["loc"] for detail in error.errors()]
        wrong = {".".join(map(str, path[:2])) for path in paths}
        settings = Settings.model_validate(_without(tables, paths), context=base)
    found += [
        f"{keys[0]}: {sentence}"
        for keys, sentence in problems(settings)
        if wrong.isdisjoint(keys) and wrong.isdisjoint(key.partition(".")[0] for key in keys)
    ]
    if found:
        raise ConfigError(found)
    return settings


def _without(tables: dict[str, Any], paths: Iterable[tuple[str | int, ...]]) -> dict[str, Any]:
    """``tables`` without the keys, or whole sections, at ``paths``."""
    sections = {path[0] for path in paths if len(path) == 1}
    keys = {path[:2] for path in paths}
    return {
        name: {key: value for key, value in table.items() if (name, key) not in keys}
        for name, table in tables.items()
        if name not in sections
    }
