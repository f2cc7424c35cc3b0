"""What is wrong between keys of the configuration: settings that parse and yet cannot work, or would harm.

Contract: ``problems`` yields the keys concerned and the sentence that helps, for everything it finds. It reads the TLS
files, because a gateway that starts without them would offer what it cannot do; it changes nothing and never raises.
"""

from __future__ import annotations

import re
import ssl
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.config import oidc
from gateway.endpoint import Endpoint
from gateway.receivers.collector import read_authorization
from gateway.receivers.places import CollectorPlace

if TYPE_CHECKING:
    from gateway.config import Settings

SHORTEST_LIMIT = 64 << 10
"""Octets every server has to take in one message (RFC 5321 §4.5.3.1.7)."""

LONGEST_ANSWER = 95.0
"""Seconds from the final dot to our reply. Postfix waits 100 s (``smtpd_proxy_timeout``), then mail may come twice."""

LONGEST_LOOK_UP = 15.0
"""Seconds for mail authentication, which runs beside the scan and should not outlast it."""

LEAST_MEMORY = 256 << 20
"""Bytes of address space a scan process needs before it has read anything."""

_LINK = re.compile(r"https?://[A-Za-z0-9\[][!-~]{0,500}")

Problem = tuple[tuple[str, ...], str]


def problems(settings: Settings) -> Iterator[Problem]:
    """Keys and sentence of everything wrong, in the order of the file."""
    yield from _loops(settings)
    yield from _milter(settings)
    yield from _strangers(settings)
    if settings.http.oidc is not None:
        yield from oidc.problems(settings.http.oidc, settings.http.public_url)
    yield from _tls(settings)
    yield from _limits(settings)
    yield from _patience(settings)
    yield from _signing(settings)
    yield from _store(settings)
    yield from _notice(settings)
    yield from _digest(settings)
    yield from _log(settings)


def _loops(settings: Settings) -> Iterator[Problem]:
    smtp = settings.smtp
    listener = Endpoint.parse(smtp.listen) if smtp.listen else Endpoint()
    names = (smtp.hostname.lower(), smtp.hostname.lower().partition(".")[0])
    for key in ("next_hop", "release_next_hop"):
        hop = getattr(smtp, key)
        if hop and Endpoint.parse(hop).reaches(listener, names):
            yield (
                (f"smtp.{key}", "smtp.listen"),
                f"{hop} is this gateway's own listener ({smtp.listen}), so mail would go round for ever; "
                "write where the MTA takes filtered mail, as in 127.0.0.1:10025",
            )
    if settings.http.listen and Endpoint.parse(settings.http.listen).path:
        yield (("http.listen",), f"{settings.http.listen}: HTTP is on a port only; write it as 127.0.0.1:8025")
    elif settings.http.listen and _clash(listener, Endpoint.parse(settings.http.listen)):
        yield (("http.listen", "smtp.listen"), f"{settings.http.listen} is taken by smtp.listen; use another port")


def _milter(settings: Settings) -> Iterator[Problem]:
    if not settings.milter.listen:
        if not settings.smtp.listen:
            yield (("smtp.listen", "milter.listen"), "is empty, and so is milter.listen: no mail would come in")
        return
    listener = Endpoint.parse(settings.milter.listen)
    for key, taken in (("smtp.listen", settings.smtp.listen), ("http.listen", settings.http.listen)):
        if taken and _clash(listener, Endpoint.parse(taken)):
            yield (("milter.listen", key), f"{settings.milter.listen} is taken by {key}; use another place")
    if not listener.private and not settings.smtp.trusted_peers:
        yield (
            ("milter.listen", "smtp.trusted_peers"),
            f"{settings.milter.listen} can be reached by others, and none of them is trusted; name your MTAs in "
            "smtp.trusted_peers, or listen on a UNIX socket",
        )


def _clash(one: Endpoint, other: Endpoint) -> bool:
    return one.reaches(other) or other.reaches(one)


def _strangers(settings: Settings) -> Iterator[Problem]:
    smtp = settings.smtp
    if smtp.listen and not smtp.xclient and not Endpoint.parse(smtp.listen).private:
        yield (
            ("smtp.xclient", "smtp.listen"),
            f"smtp.listen = {smtp.listen} is open to others, and without XCLIENT every stranger would look like this "
            "machine to your MTA: open relay; set xclient = true and let the MTA take XCLIENT from this gateway "
            "(smtpd_authorized_xclient_hosts in Postfix)",
        )
    if any(network.prefixlen == 0 for network in smtp.trusted_peers):
        yield (
            ("smtp.trusted_peers",),
            "names the whole Internet, so anybody could claim to be any client; name your own MTAs and proxies",
        )
    if any(network.prefixlen == 0 for network in settings.http.trusted_proxies):
        yield (
            ("http.trusted_proxies",),
            "names the whole Internet, so anybody could claim another address with each try at a password, or to be "
            "any user; name your own web servers",
        )
    if settings.http.user_header and not settings.http.trusted_proxies:
        yield (
            ("http.user_header", "http.trusted_proxies"),
            f"nobody is trusted to say in {settings.http.user_header} who asks; name the web servers that sign people "
            "in, in http.trusted_proxies",
        )
    if smtp.proxy_protocol and not smtp.trusted_peers:
        yield (
            ("smtp.proxy_protocol", "smtp.trusted_peers"),
            "nobody is trusted to speak the PROXY protocol; name your load balancer in trusted_peers",
        )


def _tls(settings: Settings) -> Iterator[Problem]:
    certificate, key = settings.smtp.tls_certificate, settings.smtp.tls_key
    if certificate and key:
        yield from _pair(certificate, key)
    elif certificate:
        yield (("smtp.tls_key",), "tls_certificate is set, so its private key is needed too")
    elif key:
        yield (("smtp.tls_certificate",), "tls_key is set, so its certificate is needed too")


def _pair(certificate: Path, key: Path) -> Iterator[Problem]:
    readable = True
    for name, path in (("smtp.tls_certificate", certificate), ("smtp.tls_key", key)):
        try:
            path.read_bytes()
        except OSError as error:
            readable = False
            yield ((name,), f"{path} cannot be read: {error.strerror}")
    if not readable:
        return
    try:
        # A password is never asked for: a daemon has nobody to ask.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=lambda: "")
    except (ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", None) or str(error)
        yield (
            ("smtp.tls_certificate", "smtp.tls_key"),
            f"{certificate} and {key} are no certificate and private key that belong together, in PEM and without a "
            f"password ({reason})",
        )


def _limits(settings: Settings) -> Iterator[Problem]:
    smtp, scan = settings.smtp, settings.scan
    if smtp.max_message_size < SHORTEST_LIMIT:
        yield (
            ("smtp.max_message_size",),
            f"{smtp.max_message_size} bytes is less than the 64K every mail server has to take (RFC 5321 §4.5.3.1.7)",
        )
    if scan.max_unpacked_size < smtp.max_message_size:
        yield (
            ("scan.max_unpacked_size", "smtp.max_message_size"),
            "is less than smtp.max_message_size, so large messages would always be unscannable; make it larger",
        )
    if scan.max_memory < LEAST_MEMORY:
        yield (("scan.max_memory",), "is too little for a scan process to start; 1G is usual, 256M the least")
    if scan.max_depth > 100:
        yield (("scan.max_depth",), f"{scan.max_depth} nested archives would be followed; 8 is usual, 100 the most")


def _patience(settings: Settings) -> Iterator[Problem]:
    smtp, scan = settings.smtp, settings.scan
    longest = scan.queue_timeout + 2 * scan.timeout + smtp.next_hop_timeout
    if longest > LONGEST_ANSWER:
        yield (
            ("scan.timeout", "scan.queue_timeout", "smtp.next_hop_timeout"),
            f"scan.queue_timeout + 2 × scan.timeout (scan, rewrite) + smtp.next_hop_timeout is {longest:g} s; an MTA "
            f"gives up after 100 s and sends the mail again; keep the sum at {LONGEST_ANSWER:g} s or less",
        )
    if settings.quarantine.retention < 3600:
        yield (
            ("quarantine.retention",),
            f"{settings.quarantine.retention:g} s: held mail would be gone before anybody could release it; "
            '"30d" is usual, "1h" the least',
        )


def _signing(settings: Settings) -> Iterator[Problem]:
    chosen = settings.authentication
    if chosen.seal is not None and not chosen.verify:
        yield (
            ("authentication.seal", "authentication.verify"),
            "a seal vouches for what was verified; set verify = true as well",
        )
    if chosen.timeout > LONGEST_LOOK_UP:
        yield (
            ("authentication.timeout",),
            f"{chosen.timeout:g} s: the client waits meanwhile; 5s is usual, {LONGEST_LOOK_UP:g}s the most",
        )


def _store(settings: Settings) -> Iterator[Problem]:
    for key, scheme, example in (
        ("store", "sqlite", "sqlite:///var/lib/macrogate/quarantine.db"),
        ("messages", "file", "file:///var/lib/macrogate/messages"),
    ):
        url = getattr(settings.quarantine, key)
        name, mark, path = url.partition("://")
        if not mark:
            yield ((f"quarantine.{key}",), f"{url!r} is no URL; write it as {example}")
        elif name != scheme:
            yield ((f"quarantine.{key}",), f"{name}: is not available in this version; use {example}")
        elif not path.startswith("/") or not path.strip("/"):
            yield ((f"quarantine.{key}",), f"{url!r} has to name an absolute path, as {example} does")


def _notice(settings: Settings) -> Iterator[Problem]:
    notice = settings.notice
    if notice.link and not _LINK.fullmatch(notice.link):
        yield (
            ("notice.link",),
            f"{notice.link!r} is no link a mail program can open; write it as https://mail.example.com/request",
        )
    if notice.link and not notice.secret:
        yield (
            ("notice.secret",),
            "notice.link is set, so a secret to sign it with is needed: openssl rand -hex 32 > FILE",
        )
    if notice.secret and not notice.link:
        yield (("notice.link",), "notice.secret is set, so the address of the page it is for is needed too")


def _digest(settings: Settings) -> Iterator[Problem]:
    digest = settings.digest
    if digest.enabled and not digest.domains:
        yield (
            ("digest.domains",),
            'digests go to your own people only; name your domains, as in domains = ["example.com"]',
        )
    if (digest.enabled or digest.notify) and not digest.sender:
        yield (("digest.sender",), "letters need an address they come from, as in macrogate@example.com")
    hop = settings.smtp.release_next_hop or settings.smtp.next_hop
    if (digest.enabled or digest.notify) and Endpoint.parse(hop).lmtp:
        yield (
            ("digest.enabled", "smtp.next_hop"),
            f"{hop} takes mail by LMTP for its own mailboxes; set smtp.release_next_hop to an MTA for the letters",
        )


def _log(settings: Settings) -> Iterator[Problem]:
    log = settings.log
    if log.http_authorization is not None:
        yield from _authorization(log.http, log.http_authorization)
    if log.tls_ca is None:
        return
    if not (log.syslog.startswith("tls:") or log.http.startswith("https:")):
        yield (("log.tls_ca",), "is for log.syslog with tls: and log.http with https:, and there is neither")
    try:
        ssl.create_default_context(cafile=log.tls_ca)
    except (OSError, ssl.SSLError) as error:
        yield (("log.tls_ca",), f"{log.tls_ca} holds no certificates in PEM: {error.strerror or error}")


def _authorization(url: str, path: Path) -> Iterator[Problem]:
    if not url:
        yield (("log.http_authorization", "log.http"), "is set, so the address it is for is needed too: log.http")
        return
    try:
        read_authorization(path)
        readable = path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    except OSError as error:
        yield (
            ("log.http_authorization",),
            f"{path} cannot be read: {error.strerror}" if error.strerror else str(error),
        )
        return
    if readable:
        yield (("log.http_authorization",), f"{path}: others than its owner may read it; chmod 600 {path}")
    if not CollectorPlace.parse(url).private:
        yield (
            ("log.http_authorization", "log.http"),
            f"would be sent in the clear to {url}, for everybody on the way to read; use https",
        )
