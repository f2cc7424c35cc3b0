"""The parsers that are no reader of their own: each by itself, with whatever bytes its readers would hand it.

A parser is called with bytes and a ``Scan`` to report to and to take the budget from. It may raise ``Corrupt`` or
``OverLimit`` and nothing else; what it gives is checked where more is promised than that.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable

from gateway.closed_sets import Verdict
from gateway.message import Span
from gateway.scan import boundaries, encodings, examine, headers, loose, mail_text, mime, names, ole_directory, sniff
from gateway.scan.carriers import literals, textual
from gateway.scan.containers import bounded, ends, rtf_compressed, seven_zip_records, zip_crypto, zip_records
from gateway.scan.containers import zip as zip_file
from gateway.scan.documents import (
    biff,
    biff_records,
    cell_dde,
    equation,
    fields,
    moniker,
    ole1,
    opc,
    package,
    pdf_objects,
    powerpoint97,
    vba,
    vba_compression,
    vba_fingerprint,
    vba_project,
    vba_source,
    vba_strings,
    word97,
    word_fields,
    xlm,
    xlm_code,
    xlsb,
)
from gateway.scan.documents.compound import CompoundFile
from gateway.scan.documents.parsed_formula import Reader
from gateway.scan.encodings import base64_text, binhex, uu, yenc
from gateway.scan.look import Blob, Corrupt
from gateway.scan.notice import Facts
from gateway.scan.rewrite import RewriteFailed, Setting, Wanted, apply, rewrite
from gateway.scan.triggers import APPLICATIONS
from gateway.scan.unpack import Scan
from gateway.scan.wording import LANGUAGES
from tests.fuzz import enclosed

FACTS = Facts("it is fuzzed", "0" * 16, "a@example.net")

Parser = Callable[[bytes, Scan], object]

_VERSIONS = (2, 3, 4, 5, 8, 12)
"""Of BIFF, as ``parsed_formula.Reader`` counts them."""
_MAX_CHANGED = 1
"""Parts of one mail that are each changed alone; every time costs four scans."""


def _all(produced: Iterable[object]) -> None:
    for _ in produced:
        pass


def _mime(data: bytes, scan: Scan) -> None:
    tree = mime.parse(data, scan.budget)
    for entity in tree.walk():
        assert 0 <= entity.header.start <= entity.header.end <= entity.body.end <= len(data)
        for child in entity.children:
            assert entity.body.start <= child.header.start <= child.body.end <= entity.body.end


def _headers(data: bytes, scan: Scan) -> None:
    block = headers.read_block(data, 0, len(data), scan.budget.limits.max_header_size)
    for field in block.fields:
        headers.parse_value(field.value)
        headers.decode_words(field.value)
        headers.without_comments(field.value)
    headers.made_plain(data)


def _boundaries(data: bytes, scan: Scan) -> None:
    body = Span(0, len(data))
    for line in (
        *boundaries.lines(data, body, scan.budget)[:3],
        *(reading.encode("utf-8", "surrogateescape") for reading in boundaries.readings(_text(data))[:3]),
    ):
        for leniently in (False, True):
            boundaries.split(data, body, line, scan.budget, leniently=leniently)


def _encodings(data: bytes, scan: Scan) -> None:
    for coding in (mime.BASE64, mime.QUOTED, mime.UUENCODE, "x-yenc", "mac-binhex40"):
        _all(encodings.decoded(coding, data, 0, len(data), scan.budget))
    _all(base64_text.base64_views(data, scan.budget))
    for blocks in (yenc.blocks(data, scan.budget), binhex.blocks(data, scan.budget), uu.blocks(data)):
        _all(blocks)


def _loose(data: bytes, scan: Scan) -> None:
    if loose.is_worth_it(data):
        _all(loose.files(data, scan.budget))


def _mail_text(data: bytes, scan: Scan) -> None:
    tree = mime.parse(data, scan.budget)
    _all(mail_text.texts(data, tree))
    _all(mail_text.addresses(tree))
    _all(mail_text.decode(data[: mail_text.MAX_BODY]))


def _passwords(data: bytes, scan: Scan) -> None:
    scan.passwords.hear_mail(data, mime.parse(data, scan.budget))
    scan.passwords.hear(data)
    found = list(scan.passwords.candidates("2/report.zip"))
    assert len({candidate.text for candidate in found}) == len(found)


def _names(data: bytes, _scan: Scan) -> None:
    name = _text(data)
    names.endings(name)
    names.pretends(name)
    names.plain(name)
    names.element(name)
    names.worst(name.splitlines())


def _rewrite(data: bytes, scan: Scan) -> None:
    """Every part that is no clean text is taken out; what is left does not show it, or it was refused."""
    found = examine(data, rules=scan.rules, limits=scan.budget.limits)
    targets = dict.fromkeys(finding.where.partition("/")[0] for finding in found.findings)
    singly = [(target,) for target in targets][:_MAX_CHANGED]
    for chosen in dict.fromkeys((tuple(targets), *singly)) or (("1",),):
        _change(data, Wanted(FACTS, strip=chosen, subject_prefix="[stripped]"), scan)
        _change(data, Wanted(FACTS, disarm=chosen), scan)


def _change(data: bytes, wanted: Wanted, scan: Scan) -> None:
    targets = (*wanted.strip, *wanted.disarm)
    with contextlib.suppress(RewriteFailed):
        edits = rewrite(data, wanted, Setting(scan.rules, scan.budget.limits, LANGUAGES["en"]))
        after = examine(apply(data, edits), rules=scan.rules, limits=scan.budget.limits)
        for finding in after.findings:
            number = finding.where.partition("/")[0]
            assert number not in targets or finding.verdict is Verdict.CLEAN, finding


def _zip(data: bytes, scan: Scan) -> None:
    zip_file.names(data, scan.budget)
    for at in range(min(len(data), 64)):
        entry = zip_records.local_entry(data, at)
        if entry is not None:
            for password in zip_crypto.spellings(entry.name or "x"):
                zip_crypto.decrypted(data[entry.end :], entry, password)


def _compressed(data: bytes, scan: Scan) -> None:
    for read in (bounded.inflate, bounded.gunzip, bounded.bunzip2, bounded.unxz, bounded.unlzma):
        with contextlib.suppress(Corrupt):
            content, end = read(data, scan.budget)
            assert 0 <= end <= len(data)
            assert len(content) <= scan.budget.limits.max_unpacked_size


def _ends(data: bytes, _scan: Scan) -> None:
    for kind in ("7zip", "cab", "tar", "rar", "rar5", "zstd", "raw"):
        assert 0 <= ends.end_of(data, kind) <= len(data)


def _rtf_compressed(data: bytes, scan: Scan) -> None:
    rtf_compressed.decompress(data, scan.budget)


def _seven_zip(data: bytes, _scan: Scan) -> None:
    seven_zip_records.parse(data, memoryview(data))


def _pdf(data: bytes, scan: Scan) -> None:
    pdf_objects.read(data, scan.budget)
    pdf_objects.plain(data)


def _compound(data: bytes, scan: Scan) -> None:
    ole_directory.names(data)
    file = CompoundFile(data)
    read = 0
    for entry in file.entries:
        if read < 64 * len(data):
            read += len(file.read(entry, len(data) + 1))
    vba_project.read_projects(file, scan.budget)


def _vba(data: bytes, scan: Scan) -> None:
    vba.carve_vba(data, "file", scan, APPLICATIONS)
    _all(vba_compression.find_containers(data))
    _all(vba_compression.guess_containers(data, scan.budget))
    vba_compression.unpack(b"\x01" + data, scan.budget)


def _vba_source(data: bytes, scan: Scan) -> None:
    source = _text(data)
    vba.inspect_script(source, "file", scan, APPLICATIONS)
    for declared in vba_source.declarations(source):
        assert source[declared.start : declared.start + 3].lower() in ("sub", "fun", "pro")
    vba_source.compiled_lines(source)
    vba_source.without_comments(source)
    vba_source.is_credibly_empty(source)
    vba_source.first_code(source)
    vba_fingerprint.fingerprint([source])


def _vba_strings(data: bytes, scan: Scan) -> None:
    vba_strings.indicators([_text(data)], scan.budget)


def _biff(data: bytes, scan: Scan) -> None:
    biff.tell(biff.read_globals(data, scan.budget), "file", scan)
    _all(biff_records.records(data, scan.budget))


def _formula(data: bytes, scan: Scan) -> None:
    for version in _VERSIONS:
        text = Reader(version, str, str).text(data)
        xlm_code.read([xlm_code.Formula("Macro1", 1, 1, text)], "Macro1", 1, 1, budget=scan.budget)


def _xlm_code(data: bytes, scan: Scan) -> None:
    book = xlm.Workbook([("Macro1", "visible")])
    for row, line in enumerate(_text(data).split("\n"), 1):
        name, _, text = line.partition("=")
        book.define(name, text)
        book.add("Macro1", row, 1, text)
    xlm.tell(book, "file", scan)


def _xlsb(data: bytes, scan: Scan) -> None:
    xlsb.read_workbook(data, scan.budget)
    _all(xlsb.dde_sources(data, scan.budget))


def _xml(data: bytes, _scan: Scan) -> None:
    opc.is_plain(data)
    opc.part_name(_text(data))
    opc.elements(data, None)
    word_fields.in_xml(data)


def _word97(data: bytes, scan: Scan) -> None:
    fib = word97.read_fib(data[: word97.FIB_SIZE])
    word97.inspect_text(data, data, fib, "file", scan)
    word97.inspect_commands(data, fib, "file", scan)
    word97.inspect_template(data, fib, "file", scan)


def _powerpoint97(data: bytes, scan: Scan) -> None:
    _all(powerpoint97.objects(data, scan, lambda _sentence: None))
    _all(powerpoint97.actions(data, scan))
    powerpoint97.is_encrypted(data)


def _ole_objects(data: bytes, scan: Scan) -> None:
    blob = Blob(data, "file", "file.bin")
    found = ole1.read(data)
    if found is not None:
        ole1.inspect(found, blob, "object", scan)
    moniker.inspect(data, "file", scan)
    equation.inspect(data, "file", scan)
    package.unpack_package(data, blob, "file", scan)


def _fields(data: bytes, _scan: Scan) -> None:
    fields.told(_text(data))
    fields.told(word_fields.in_text(_text(data)))
    cell_dde.in_formula(data)
    cell_dde.in_table(data)


def _script(data: bytes, scan: Scan) -> None:
    textual.told_by_content(Blob(data, "file", "file.bin"), scan)
    _all(literals.literals(data, scan.budget))


def _sniff(data: bytes, _scan: Scan) -> None:
    assert sniff.sniff(data) == sniff.candidates(data)[0]


def _yara(data: bytes, scan: Scan) -> None:
    for filetype in ("vba", "xlm", "text", "docx"):
        scan.match_rules("file", data, filetype)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


PARSERS: dict[str, Parser] = {
    "mime": _mime,
    "headers": _headers,
    "boundaries": _boundaries,
    "encodings": _encodings,
    "loose": _loose,
    "mail-text": _mail_text,
    "passwords": _passwords,
    "names": _names,
    "rewrite": _rewrite,
    "sniff": _sniff,
    "zip-records": _zip,
    "streams": _compressed,
    "ends": _ends,
    "rtf-compressed": _rtf_compressed,
    "seven-zip": _seven_zip,
    "pdf": _pdf,
    "compound": _compound,
    "vba": _vba,
    "vba-source": _vba_source,
    "vba-strings": _vba_strings,
    "biff": _biff,
    "formula": _formula,
    "xlm-code": _xlm_code,
    "xlsb": _xlsb,
    "xml": _xml,
    "word97": _word97,
    "powerpoint97": _powerpoint97,
    "ole-objects": _ole_objects,
    "fields": _fields,
    "scripts": _script,
    "yara": _yara,
    "package-parts": enclosed.package_parts,
    "odf-parts": enclosed.odf_parts,
    "encryption": enclosed.encrypted,
    "carve": enclosed.carved,
}
