"""From settings to what each part is told: the one place that knows the names on both sides.

Contract: reads the files the settings name (policy, triggers, passwords, TLS) and opens nothing else. Raises
``WiringError`` with the sentence for the admin.
"""

from __future__ import annotations

import dataclasses
import ssl
import stat
from datetime import time
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.x509 import load_pem_x509_certificate

from gateway.authentication.authenticator import Authenticator
from gateway.authentication.resolver import Resolver
from gateway.authentication.seal import Sealer
from gateway.authentication.secret import BadKey, SigningKey, load
from gateway.closed_sets import Action
from gateway.config import Http, KeySection, Settings
from gateway.digest.letter import Writer
from gateway.digest.sending import Plan
from gateway.digest.wording import LANGUAGES as DIGEST_LANGUAGES
from gateway.digest.wording import parse as parse_digest
from gateway.endpoint import Endpoint
from gateway.message import Envelope, Recipient
from gateway.milter.settings import MilterSettings
from gateway.policy import Policy, PolicyError
from gateway.receivers.collector import Collector
from gateway.receivers.file import LogFile
from gateway.receivers.outbox import Outbox
from gateway.receivers.places import CollectorPlace, SyslogPlace
from gateway.receivers.syslog import Syslog
from gateway.scan.budget import Limits
from gateway.scan.notice import parse as parse_template
from gateway.scan.triggers import ScanRules
from gateway.scan.wording import LANGUAGES
from gateway.smtp.client import HopSettings, Timeouts
from gateway.smtp.settings import ServerSettings, SessionTimeouts
from gateway.tokens import SHORTEST_SECRET, Links
from gateway.workers import Workers
from gateway.workers.settings import Jail

if TYPE_CHECKING:
    from gateway.web.oidc import Terms

MAX_PASSWORDS = 100
"""Each costs every encrypted document 33 ms."""
COOPERATIVE = 0.9
"""Share of the scan's deadline after which it ends by itself, with a finding; at the whole the worker is killed."""


class WiringError(Exception):
    """This configuration cannot be put to work; the message is the sentence for the admin."""


def read_policy(settings: Settings) -> Policy:
    """The policy in force. Raises ``WiringError``."""
    path = settings.policy.file or settings.policy.rules / "policy.toml"
    try:
        policy = Policy.parse(path.read_text(encoding="utf-8"), base=path.parent)
    except (OSError, UnicodeDecodeError) as error:
        raise WiringError(f"policy.file {path}: {error}") from error
    except PolicyError as error:
        raise WiringError(f"{path}:\n{error}") from error
    if mistake := unverified(settings, policy):
        raise WiringError(mistake)
    return policy


def unverified(settings: Settings, policy: Policy) -> str:
    """What is wrong if rules ask who signed a message and nobody verifies it; "" if nothing is."""
    rules = [rule.id for rule in policy.rules if rule.asks_who_signed]
    if settings.authentication.verify or not rules:
        return ""
    return (
        f"authentication.verify: is false, so the rules that ask for dkim or dmarc could never match: "
        f"{', '.join(rules)}; set verify = true"
    )


def yara_files(folder: Path) -> tuple[tuple[str, str], ...]:
    """The YARA files of a rules folder as (name, text), in the order of their names. Raises ``WiringError``."""
    found = []
    for path in sorted(folder.glob("*.yar")):
        try:
            found.append((path.name, path.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError) as error:
            raise WiringError(f"{path}: cannot be read: {error}") from error
    return tuple(found)


def jail_settings(settings: Settings) -> Jail:
    """What the workers are told. Rules and passwords are read here: they can open nothing. The YARA rules are not
    compiled in this process, so that none can hold it up; a worker that cannot use them says so. Raises
    ``WiringError``."""
    path = settings.policy.rules / "triggers.toml"
    try:
        triggers = path.read_text(encoding="utf-8")
        ScanRules.parse(triggers)
    except (OSError, ValueError) as error:
        raise WiringError(f"{path}: {error}") from error
    scan = settings.scan
    limits = Limits(
        max_depth=scan.max_depth,
        max_files=scan.max_files,
        max_unpacked_size=scan.max_unpacked_size,
        seconds=scan.timeout * COOPERATIVE,
    )
    return Jail(
        workers=scan.workers,
        timeout=scan.timeout,
        max_memory=scan.max_memory,
        queue=scan.queue,
        queue_timeout=scan.queue_timeout,
        messages_per_worker=scan.messages_per_worker,
        limits=dataclasses.asdict(limits),
        triggers_toml=triggers,
        contact=settings.quarantine.contact,
        passwords=read_passwords(scan.passwords) if scan.passwords else (),
        yara=yara_files(settings.policy.rules),
        authserv_id=authserv_id(settings) if settings.authentication.verify else "",
        trusted=settings.authentication.trusted,
        language=settings.notice.language,
        templates=read_templates(settings.notice.templates, settings.notice.language),
    )


def authserv_id(settings: Settings) -> str:
    """Our name in Authentication-Results."""
    return settings.authentication.authserv_id or settings.smtp.hostname


def sealer(settings: Settings) -> Sealer | None:
    """Who vouches for changed messages; None where nobody is to. Raises ``WiringError``."""
    chosen = settings.authentication
    keys = {name: _key(name, section) for name in ("seal", "sign") if (section := getattr(chosen, name)) is not None}
    if not keys:
        return None
    arc = keys.get("seal")
    if arc is not None and arc.kind != "rsa":
        raise WiringError("authentication.seal: ARC is sealed with an RSA key; others are verified by nobody yet")
    return Sealer(authserv_id(settings), arc, keys.get("sign"))


def _key(name: str, section: KeySection) -> SigningKey:
    try:
        return load(section.key, section.domain, section.selector)
    except BadKey as error:
        raise WiringError(f"authentication.{name}: {error}") from error


def authenticator(settings: Settings, workers: Workers) -> Authenticator | None:
    """Who verifies signatures; None where nobody is to."""
    chosen = settings.authentication
    if not chosen.verify:
        return None
    return Authenticator(workers, Resolver(chosen.dns), authserv_id(settings), chosen.timeout)


def read_templates(folder: Path | None, language: str) -> tuple[tuple[str, str], ...]:
    """Own wording of the notices, ``ACTION.LANGUAGE.txt`` in ``folder``, as (action, text) for ``language``. The files
    of other languages are checked too. Raises ``WiringError`` with every mistake."""
    if folder is None:
        return ()
    kinds = (Action.DISARM, Action.STRIP)
    known = {f"{kind}.{code}.txt": (kind, code) for kind in kinds for code in LANGUAGES}
    found, mistakes = [], []
    for path in sorted(folder.glob("*.txt")):
        if path.name.startswith("digest."):
            continue  # of [digest], which may have the same folder
        if path.name not in known:
            mistakes.append(f"{path}: is no template; they are called {', '.join(known)}")
            continue
        kind, code = known[path.name]
        try:
            text = parse_template(kind, path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            mistakes.append(f"{path}: {error}")
            continue
        found += [(kind.value, text)] if code == language else []
    if not mistakes and not found:
        mistakes.append(f"notice.templates {folder}: has neither disarm.{language}.txt nor strip.{language}.txt")
    if mistakes:
        raise WiringError("\n".join(mistakes))
    return tuple(found)


def letter_writer(settings: Settings) -> Writer:
    """Who writes digests and words to the admin. Raises ``WiringError``."""
    chosen = settings.digest
    template = ""
    if chosen.templates is not None:
        path = chosen.templates / f"digest.{chosen.language}.txt"
        try:
            template = parse_digest(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise WiringError(f"digest.templates {path}: {error}") from error
    wording = DIGEST_LANGUAGES[chosen.language]
    return Writer(chosen.sender, settings.smtp.hostname, wording, template, settings.quarantine.contact)


def digest_plan(settings: Settings) -> Plan:
    """How digests are made. Raises ``WiringError``."""
    links = read_links(settings)

    def link_to(held_id: str, recipient: str) -> str:
        return links(held_id, Envelope("", (Recipient(recipient),))) if links else ""

    at = time.fromisoformat(settings.digest.at)
    return Plan(letter_writer(settings), frozenset(settings.digest.domains), at, link_to)


def read_links(settings: Settings) -> Links | None:
    """How a recipient asks for an original, if that is configured. Raises ``WiringError``."""
    path = settings.notice.secret
    if path is None:
        return None
    try:
        secret = path.read_bytes().strip()
        readable = path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    except OSError as error:
        raise WiringError(f"notice.secret {path}: {error}") from error
    if readable:
        raise WiringError(f"notice.secret {path}: others than its owner may read it; chmod 600 {path}")
    if len(secret) < SHORTEST_SECRET:
        raise WiringError(
            f"notice.secret {path}: shorter than {SHORTEST_SECRET} characters; openssl rand -hex 32 > {path}"
        )
    return Links(settings.notice.link, secret, settings.quarantine.retention)


def read_passwords(path: Path) -> tuple[str, ...]:
    """The passwords of a file, one a line; blanks inside a line belong to it. Raises ``WiringError``."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise WiringError(f"scan.passwords {path}: {error}") from error
    passwords = tuple(dict.fromkeys(line.strip() for line in lines if line.strip()))
    if len(passwords) > MAX_PASSWORDS:
        raise WiringError(f"scan.passwords {path}: {len(passwords)} passwords; more than {MAX_PASSWORDS} take too long")
    return passwords


def hop_settings(settings: Settings, address: str) -> HopSettings:
    """How the next hop at ``address`` is spoken to."""
    smtp = settings.smtp
    return HopSettings(
        address=Endpoint.parse(address),
        hostname=smtp.hostname,
        tls=smtp.next_hop_tls,
        xclient=smtp.xclient,
        timeouts=Timeouts(command=smtp.next_hop_timeout, dot=smtp.next_hop_timeout),
    )


def server_settings(settings: Settings) -> ServerSettings:
    """How the SMTP listener behaves towards its clients. Raises ``WiringError``."""
    smtp = settings.smtp
    return ServerSettings(
        hostname=smtp.hostname,
        max_message_size=smtp.max_message_size,
        max_recipients=smtp.max_recipients,
        trusted_peers=smtp.trusted_peers,
        bare_newline=smtp.bare_newline,
        proxy_protocol=smtp.proxy_protocol,
        tls_context=_tls(smtp.tls_certificate, smtp.tls_key),
        max_sessions=smtp.max_sessions,
        max_sessions_per_client=smtp.max_sessions_per_client,
        timeouts=SessionTimeouts(command=smtp.command_timeout, data=smtp.data_timeout),
    )


def trigger_ids(jail: Jail) -> tuple[str, ...]:
    """The ids of the triggers the workers are told."""
    return tuple(trigger.id for trigger in ScanRules.parse(jail.triggers_toml).triggers)


def certificate_expiry(settings: Settings) -> float:
    """When the certificate shown to SMTP clients expires, in UNIX time; 0 without one, or if it cannot be told."""
    path = settings.smtp.tls_certificate
    if path is None:
        return 0.0
    try:
        return load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc.timestamp()
    except (OSError, ValueError):  # TLS has taken it; a missing figure is no reason not to serve
        return 0.0


def milter_settings(settings: Settings) -> MilterSettings:
    """How the milter listener behaves towards MTAs."""
    smtp = settings.smtp
    return MilterSettings(
        max_message_size=smtp.max_message_size,
        max_recipients=smtp.max_recipients,
        max_sessions=smtp.max_sessions,
        trusted_peers=smtp.trusted_peers,
        hold=settings.milter.quarantine == "hold",
    )


def oidc_terms(http: Http) -> Terms | None:
    """What is agreed with the provider that signs people in; None without one."""
    oidc = http.oidc
    if oidc is None:
        return None
    from gateway.web.oidc import Terms  # brings the web server, which most commands do not need
    from gateway.web.people import Role

    return Terms(
        issuer=oidc.issuer,
        client_id=oidc.client_id,
        secret=oidc.client_secret,
        home=http.public_url,
        roles={group: Role(role) for group, role in oidc.roles.items()},
        name_claim=oidc.name_claim,
        role_claim=oidc.role_claim,
        scopes=oidc.scopes,
        ca=oidc.tls_ca,
    )


def outboxes(settings: Settings) -> list[Outbox]:
    """The further receivers of the log, not yet started."""
    log, found = settings.log, []
    if log.file is not None:
        found.append(Outbox("file", LogFile(log.file)))
    if log.syslog:
        found.append(Outbox("syslog", Syslog(SyslogPlace.parse(log.syslog), settings.smtp.hostname, log.tls_ca)))
    if log.http:
        place = CollectorPlace.parse(log.http)
        found.append(Outbox("http", Collector(place, log.http_authorization, log.tls_ca)))
    return found


def _tls(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)  # TLS 1.2 and newer
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise WiringError(f"smtp.tls_certificate {certificate} or tls_key {key}: {error}") from error
    return context
