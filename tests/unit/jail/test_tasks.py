"""The real scan behind the walls sees what it sees in front of them: nothing it needs was left outside."""

from __future__ import annotations

import base64
import io
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import libarchive
import msoffcrypto.format.ooxml
import pytest
import xlsxwriter

from gateway.closed_sets import Action, Kind, Verdict
from gateway.message import Decision, Report, ScanFailed
from gateway.samples.biff import WORKSHEET, Sheet, workbook_stream
from gateway.samples.compound import compound_file
from gateway.samples.mail import docm_autoopen_message
from gateway.scan import examine
from gateway.scan.budget import Limits
from gateway.scan.triggers import ScanRules
from gateway.spool import Spool
from gateway.workers.link import WorkerUnfit
from tests.makers import locks, seven_zip
from tests.makers.zips import build
from tests.stubs.pool import Pool, pool

TRIGGERS = (Path(__file__).parents[3] / "rules" / "triggers.toml").read_text(encoding="utf-8")
REAL = {"tasks": "gateway.jail.tasks:make", "triggers_toml": TRIGGERS, "limits": asdict(Limits())}
PATIENT = replace(Limits(), seconds=100.0)
"""How many passwords are tried on one document depends on its seconds where the machine is very busy."""


def workbook() -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        book.add_worksheet().write(0, 0, "x")
    return file.getvalue()


def encrypted(password: str) -> bytes:
    file = io.BytesIO()
    msoffcrypto.format.ooxml.OOXMLFile(io.BytesIO(workbook())).encrypt(password, file)
    return file.getvalue()


def archive(format_name: str, filter_name: str | None) -> Callable[[], bytes]:
    def make() -> bytes:
        packed, content = bytearray(), workbook()

        def write(piece: bytes) -> int:
            packed.extend(piece)
            return len(piece)

        with libarchive.custom_writer(write, format_name, filter_name) as writing:
            writing.add_file_from_memory("book.xlsx", len(content), content)
        return bytes(packed)

    return make


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_LZMA) as packed:
        packed.writestr("日本.xlsx", workbook())
    return file.getvalue()


def attached(content: bytes, name: str = "file.bin") -> bytes:
    coded = base64.encodebytes(content).replace(b"\n", b"\r\n")
    return (
        b"From: a@example.com\r\nSubject: =?iso-2022-jp?B?GyRCRnxLXBsoQg==?=\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain; charset=koi8-r\r\n\r\n\r\n"
        b"--x\r\nContent-Type: application/octet-stream; name=" + name.encode() + b"\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n" + coded + b"--x--\r\n"
    )


SAMPLES: dict[str, Callable[[], bytes]] = {
    "text": lambda: b"hello",
    "empty": lambda: b"",
    "xlsx": workbook,
    "encrypted": lambda: encrypted("nobody knows"),
    "encrypted with a usual password": lambda: encrypted("secret"),
    "encrypted as Office does by itself": lambda: encrypted("VelvetSweatshop"),
    "zip behind the old cipher": lambda: build([locks.zip_crypto("a.xlsx", workbook(), b"1234")]),
    "zip behind AES": lambda: build([locks.zip_aes("a.xlsx", workbook(), b"1234")]),
    "7z": archive("7zip", None),
    "7z behind AES": lambda: seven_zip.build({"a.xlsx": workbook()}, (seven_zip.LZMA2, seven_zip.aes("1234"))),
    "tar.gz": archive("gnutar", "gzip"),
    "tar.xz": archive("gnutar", "xz"),
    "tar.bz2": archive("gnutar", "bzip2"),
    "cpio": archive("cpio", None),
    "iso": archive("iso9660", None),
    "zip": zipped,
    "broken ole": lambda: bytes.fromhex("d0cf11e0a1b11ae1") + bytes(5000),
    "broken zip": lambda: b"PK\x03\x04" + bytes(500),
    "rtf": lambda: rb"{\rtf1{\object\objdata 0105000002000000}}",
    "html": lambda: b"<html><script>x</script></html>",
    "noise": lambda: b"".join(struct.pack("<Q", number * 0x9E3779B97F4A7C15 % 2**64) for number in range(1000)),
}


@pytest.fixture(scope="module")
def rules() -> ScanRules:
    return ScanRules.parse(TRIGGERS)


async def both(jail: Pool, rules: ScanRules, content: bytes) -> tuple[Report, Report]:
    inside = await jail.workers.examine(Spool.of(content))
    outside = examine(content, rules=rules, limits=PATIENT)
    return replace(inside, seconds=0.0), replace(outside, seconds=0.0)


async def test_the_jailed_scan_sees_the_same(rules: ScanRules) -> None:
    async with pool(**REAL | {"limits": asdict(PATIENT), "timeout": 100.0}) as jail:
        for name, make in SAMPLES.items():
            inside, outside = await both(jail, rules, attached(make()))
            assert inside == outside, name
            assert Kind.CRASH not in {finding.kind for finding in inside.findings}, name
        assert jail.deaths() == {}


async def test_one_file_is_examined_under_its_name(rules: ScanRules) -> None:
    async with pool(**REAL) as jail:
        inside = await jail.workers.examine(Spool.of(workbook()), name="book.xlsx", mail=False)
        outside = examine(workbook(), rules=rules, limits=Limits(), name="book.xlsx", mail=False)
        assert inside.parts == outside.parts
        assert inside.parts[-1].where.startswith("book.xlsx")


async def test_decryption_works_in_the_jail() -> None:
    old = build([locks.zip_crypto("a.xlsx", workbook(), b"listed")])
    new = build([locks.zip_aes("a.xlsx", workbook(), b"listed")])
    lock = seven_zip.aes("listed", rounds=19)
    seven = seven_zip.build(
        {"a.xlsx": workbook()}, (seven_zip.BCJ, seven_zip.LZMA, lock), header=(seven_zip.LZMA, lock)
    )
    book = compound_file({("Workbook",): locks.workbook_rc4(workbook_stream([Sheet("a", WORKSHEET)]), "listed")})
    async with pool(**REAL, passwords=("listed",)) as jail:
        for content in (encrypted("VelvetSweatshop"), encrypted("listed"), book, old, new, seven):
            report = await jail.workers.examine(Spool.of(attached(content)))
            assert {finding.kind for finding in report.findings} == {Kind.DECRYPTED}


async def test_an_attachment_is_replaced_in_the_jail() -> None:
    async with pool(**REAL) as jail:
        content = Spool.of(attached(encrypted("nobody knows"), "secret.xlsx"))
        report = await jail.workers.examine(content)
        assert report.verdict is Verdict.UNSCANNABLE
        decision = Decision(Action.STRIP, "rule", "it cannot be read", ("2",))
        edits = await jail.workers.rewrite(content, decision, "0123456789abcdef")
        changed = Spool.of(b"".join(content.chunks(edits)))
        assert (await jail.workers.examine(changed)).verdict is Verdict.CLEAN


async def test_a_rewrite_that_cannot_be_done_says_why() -> None:
    async with pool(**REAL) as jail:
        content = Spool.of(attached(b"hello"))
        decision = Decision(Action.STRIP, "rule", "why", ("9",))
        with pytest.raises(ScanFailed) as caught:
            await jail.workers.rewrite(content, decision, "id")
        assert not caught.value.detail.startswith("AttributeError")
        assert jail.deaths() == {}


async def test_the_edition_names_engine_and_rules(rules: ScanRules) -> None:
    async with pool(**REAL) as jail:
        assert next(iter(jail.workers._links)).ready.edition.endswith(f"/{rules.version}")


def test_the_front_does_not_import_what_reads_hostile_content() -> None:
    program = "import sys, gateway.workers; print(sorted(m for m in sys.modules if m.startswith(%r)))"
    for heavy in ("oletools", "msoffcrypto", "libarchive", "gateway.scan"):
        done = subprocess.run([sys.executable, "-c", program % heavy], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]"


YARA = ("word.yar", 'rule word { strings: $a = "shibboleth" condition: $a }')
SLOW = (
    "slow.yar",
    'rule slow { strings: $a = "ab" condition: for all i in (1..#a) : '
    "( for all j in (1..#a) : ( for all k in (1..#a) : (@a[i] + @a[j] + @a[k] + 1 > 0 ))) }",
)


async def test_yara_rules_match_in_the_jail_and_are_part_of_the_edition(rules: ScanRules) -> None:
    async with pool(**REAL, yara=(YARA,)) as jail:
        report = await jail.workers.examine(Spool.of(attached(b"say shibboleth")))
        assert [finding.kind for finding in report.findings] == [Kind.YARA]
        assert not next(iter(jail.workers._links)).ready.edition.endswith(f"/{rules.version}")


async def test_a_slow_yara_rule_costs_a_verdict_and_no_worker() -> None:
    async with pool(**REAL, yara=(SLOW,)) as jail:
        report = await jail.workers.examine(Spool.of(attached(b"ab" * 20_000)))
        assert {finding.kind for finding in report.findings} == {Kind.TIMEOUT}
        assert report.verdict is Verdict.UNSCANNABLE
        assert (await jail.workers.examine(Spool.of(attached(b"hello")))).verdict is Verdict.CLEAN
        assert jail.deaths() == {}


async def test_a_bad_yara_rule_keeps_the_workers_from_starting() -> None:
    bad = ("bad.yar", "rule a { condition: x }\nrule b { condition: y }")
    with pytest.raises(WorkerUnfit, match=r"bad\.yar line 1 column 21: .*; bad\.yar line 2 column 21"):
        async with pool(**REAL, yara=(bad,)):
            pass


async def test_a_message_is_read_and_taken_apart_in_the_jail() -> None:
    message = Spool.of(docm_autoopen_message("a@example.com", "b@example.com"))
    async with pool(**REAL) as jail:
        reading = await jail.workers.read(message)
        assert reading.passages[0].where == "1"
        (source,) = await jail.workers.sources(message)
        assert "AutoOpen" in source.text
        assert (await jail.workers.extract(message, "2/Invoice.docm")).startswith(b"PK")
        with pytest.raises(ScanFailed, match="There is no part 7/x in this message"):
            await jail.workers.extract(message, "7/x")
        assert jail.deaths() == {}
