"""The work of a jailed worker: the scan, the rewrite and who signed, bound to one configuration.

Contract: ``make`` reads rules and limits before the doors close and raises ``ValueError`` for ones that cannot work.
``load`` has everything in memory that the work may import later, because a jailed worker can open no file. Only this
module joins the worker to ``gateway.scan`` and to what reads mail in ``gateway.authentication``; the front never
imports it, nor what it imports.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import io
import pkgutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gateway.closed_sets import Verdict
from gateway.jail import confinement
from gateway.jail.checks import MAX_REMOVED
from gateway.jail.process import CannotDo, Data, Orders, Recall
from gateway.jail.wire import Disarmed, Job
from gateway.message import Authentication, Edits, Report, clip
from gateway.readable import Reading, Source

if TYPE_CHECKING:
    from gateway.scan.rewrite import Setting

_PACKAGES: Final = ("gateway.scan", "encodings", "email", "xml", "msoffcrypto", "cryptography.hazmat", "Crypto.Cipher")
"""Loaded with all their modules: a message may name any character set, and libraries import late. One that is missing
here is not seen as an error of the scan: msoffcrypto without its cryptography takes every password for a wrong one."""

_MODULES: Final = (
    *("dkim", "gateway.authentication.verify"),
    *("bz2", "csv", "html.parser", "lzma", "stringprep", "unicodedata", "zipfile", "zlib"),
    *("libarchive", "olefile", "pybase64", "pyopenvba", "stream_unzip", "yara_x"),
    *("oletools.oleobj", "oletools.olevba", "oletools.rtfobj", "oletools.ooxml", "oletools.xls_parser"),
)


@functools.cache  # a forked worker inherits that it is done
def load() -> None:
    """Import ahead. Never raises: what the scan cannot do without, ``make`` will ask for again."""
    confinement.load()
    for name in (*_MODULES, *_PACKAGES):
        _import(name)
    _import("gateway.authentication.dmarc").suffixes()
    for package in _PACKAGES:
        path = getattr(_import(package), "__path__", ())
        for found in pkgutil.walk_packages(path, f"{package}.", onerror=lambda _: None):
            if not found.name.endswith("__main__"):
                _import(found.name)


def _import(name: str) -> Any:
    with contextlib.suppress(Exception):
        return importlib.import_module(name)
    return None


def make(orders: Orders) -> ScanTasks:
    """The scan of this configuration."""
    load()
    # msoffcrypto decrypts .xls by way of a temporary file; in the jail there are none. RLIMIT_AS bounds this one.
    tempfile.TemporaryFile = _memory_file  # type: ignore[assignment]
    from gateway.scan import ENGINE_VERSION
    from gateway.scan.budget import Limits
    from gateway.scan.rewrite import Setting
    from gateway.scan.triggers import ScanRules
    from gateway.scan.wording import wording

    rules = ScanRules.parse(orders.triggers_toml, orders.yara)
    limits = Limits(**orders.limits)  # type: ignore[arg-type]  # the configuration has checked them; a wrong one raises here
    setting = Setting(rules, limits, wording(orders.language, orders.templates), orders.passwords)
    return ScanTasks(f"{ENGINE_VERSION}/{rules.version}", setting, orders.contact, orders.authserv_id, orders.trusted)


def _memory_file(*_: object, **__: object) -> io.BytesIO:
    return io.BytesIO()


@dataclass(frozen=True, slots=True)
class ScanTasks:
    edition: str
    setting: Setting
    contact: str
    authserv_id: str = ""
    trusted: tuple[str, ...] = ()

    def examine(self, data: Data, job: Job, recall: Recall | None) -> Report:
        from gateway.scan import examine

        return examine(
            data,
            rules=self.setting.rules,
            limits=self.setting.limits,
            name=job.name,
            mail=job.mail,
            recall=recall,
            passwords=self.setting.passwords,
            authserv_id=self.authserv_id,
        )

    def rewrite(self, data: Data, job: Job) -> Edits:
        from gateway.scan.notice import Facts
        from gateway.scan.rewrite import RewriteFailed, Sealed, Wanted, rewrite

        facts = Facts(job.why, job.held_id, self.contact, job.link)
        try:
            return rewrite(data, Wanted(facts, job.strip, job.disarm, job.subject_prefix), self.setting)
        except RewriteFailed as failure:
            raise CannotDo(str(failure), signed=isinstance(failure, Sealed)) from failure

    def disarm(self, data: Data, job: Job) -> tuple[Disarmed, bytes]:
        from gateway.scan import examine
        from gateway.scan.disarm import CannotDisarm, disarm
        from gateway.scan.passwords import Passwords

        setting, content = self.setting, bytes(data)
        found = examine(
            content,
            rules=setting.rules,
            limits=setting.limits,
            name=job.name,
            mail=False,
            passwords=setting.passwords,
        )
        if found.verdict is Verdict.CLEAN:
            return Disarmed(job.job, clip(job.name, 300), "", ()), content
        passwords = Passwords(setting.limits.seconds, setting.passwords)
        try:
            made = disarm(content, job.name, rules=setting.rules, limits=setting.limits, passwords=passwords)
        except CannotDisarm as refusal:
            raise CannotDo(str(refusal)) from refusal
        removed = tuple(clip(what, 100) for what in made.removed[:MAX_REMOVED])
        return Disarmed(job.job, clip(made.name, 300), clip(made.media_type, 300), removed), made.content

    def names(self, data: Data) -> tuple[str, ...]:
        from gateway.authentication import verify

        return verify.names(data)

    def authenticate(self, data: Data, job: Job) -> Authentication:
        from gateway.authentication import verify

        return verify.verify(data, job.answers, self.trusted, time.time())

    def read(self, data: Data) -> Reading:
        from gateway.scan import reading

        return reading.read(data, self.setting.limits)

    def sources(self, data: Data) -> tuple[Source, ...]:
        from gateway.scan import reading

        return reading.sources(data, self.setting)

    def extract(self, data: Data, job: Job) -> bytes:
        from gateway.scan import reading

        try:
            return reading.extract(data, job.where, self.setting)
        except reading.NoSuchPart as error:
            raise CannotDo(str(error)) from error

    def warn(self, expose: Callable[[], None]) -> None:
        from gateway.scan import native

        native.listen(expose)
