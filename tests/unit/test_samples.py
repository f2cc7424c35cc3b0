import email
import email.policy
import io
import warnings
import zipfile

import pytest

from gateway import samples
from gateway.closed_sets import Verdict
from gateway.samples import mail, vba
from gateway.scan import Limits, examine
from tests import libreoffice
from tests.e2e.tools import need
from tests.unit.scan.documents.recorder import shipped_rules

DOCUMENTS = {
    "docx": (samples.docx, Verdict.CLEAN),
    "docm": (samples.docm_autoopen, Verdict.AUTOEXEC),
    "docm-macro": (samples.docm_macro, Verdict.MACRO),
    "doc": (samples.doc, Verdict.CLEAN),
    "doc-autoopen": (samples.doc_autoopen, Verdict.AUTOEXEC),
    "xlsx": (samples.xlsx, Verdict.CLEAN),
    "xlsm": (samples.xlsm_workbook_open, Verdict.AUTOEXEC),
    "xlsm-xlm": (samples.xlsm_xlm_auto_open, Verdict.AUTOEXEC),
    "xlsb": (samples.xlsb_workbook_open, Verdict.AUTOEXEC),
    "xlsb-xlm": (samples.xlsb_xlm_auto_open, Verdict.AUTOEXEC),
    "xlam": (samples.xlam_workbook_open, Verdict.AUTOEXEC),
    "xls": (samples.xls, Verdict.CLEAN),
    "xls-workbook-open": (samples.xls_workbook_open, Verdict.AUTOEXEC),
    "xls-xlm": (samples.xls_xlm_auto_open, Verdict.AUTOEXEC),
}
MESSAGES = {
    mail.plain_message: Verdict.CLEAN,
    mail.html_message: Verdict.CLEAN,
    mail.docx_message: Verdict.CLEAN,
    mail.xlsx_message: Verdict.CLEAN,
    mail.japanese_message: Verdict.CLEAN,
    mail.docm_autoopen_message: Verdict.AUTOEXEC,
    mail.xls_workbook_open_message: Verdict.AUTOEXEC,
    mail.xlsm_xlm_message: Verdict.AUTOEXEC,
    mail.forwarded_zip_message: Verdict.AUTOEXEC,
}
SHOWN = {
    "docx": "harmless",
    "doc": "harmless",
    "doc-autoopen": "harmless",
    "xls": "42",
    "xls-xlm": "42",
    "xlsx": "42",
    "xlsm-xlm": "42",
    "xlsb-xlm": "42",
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_document_is_found_to_be_what_it_is(name):
    make, verdict = DOCUMENTS[name]
    assert examine(make(), rules=shipped_rules(), limits=Limits(), mail=False).verdict is verdict


@pytest.mark.parametrize("make", MESSAGES, ids=lambda make: make.__name__)
def test_every_message_is_found_to_be_what_it_is(make):
    assert examine(make(), rules=shipped_rules(), limits=Limits()).verdict is MESSAGES[make]


@pytest.mark.parametrize("make", MESSAGES, ids=lambda make: make.__name__)
def test_every_message_is_sound(make):
    data = make("a@sender.test", "b@recipient.test")
    parsed = email.message_from_bytes(data, policy=email.policy.SMTP)
    assert not any(part.defects for part in parsed.walk())
    assert parsed["From"] == "a@sender.test"
    assert parsed["To"] == "b@recipient.test"
    assert data.count(b"\n") == data.count(b"\r\n")
    assert max(len(line) for line in data.split(b"\r\n")) <= 998


def test_the_japanese_name_is_written_in_both_ways():
    data = mail.japanese_message()
    assert b"filename*=utf-8''%E8" in data
    assert b'name="=?utf-8?b?' in data
    (attachment,) = email.message_from_bytes(data, policy=email.policy.default).iter_attachments()
    assert attachment.get_filename() == "議事録.docx"


def test_the_self_test_names_itself_and_who_it_is_for():
    data = samples.selftest_message("a@sender.test", "b@recipient.test")
    assert b"To: b@recipient.test\r\n" in data
    assert b"self-test" in data
    assert examine(data, rules=shipped_rules(), limits=Limits()).verdict is Verdict.AUTOEXEC


def test_every_macro_is_empty_and_says_so():
    for name, (make, _) in DOCUMENTS.items():
        data = make()
        if b"vbaProject.bin" in data:
            with zipfile.ZipFile(io.BytesIO(data)) as package:
                assert any(part.endswith("vbaProject.bin") for part in package.namelist()), name
    assert vba.inert("AutoOpen").splitlines()[1:] == ["Sub AutoOpen()", "End Sub"]
    assert vba.MARKER in vba.inert("AutoOpen")


@pytest.mark.parametrize("name", [name for name in DOCUMENTS if name not in {"xlsm-xlm", "xlsb-xlm"}])
def test_olevba_agrees(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of oletools and what it imports
        from oletools.olevba import VBA_Parser

        make, verdict = DOCUMENTS[name]
        parser = VBA_Parser(name, data=make())
        found = parser.detect_vba_macros() or parser.detect_xlm_macros()
        assert bool(found) is (verdict is not Verdict.CLEAN)
        started = [kind for kind, _, _ in parser.analyze_macros()] if found else []
        assert ("AutoExec" in started) is (verdict is Verdict.AUTOEXEC)


@pytest.mark.parametrize("family", ["writer", "calc"])
def test_libreoffice_opens_them(tmp_path, family):
    need("soffice")
    form, ending = ("txt:Text", "txt") if family == "writer" else ("csv", "csv")
    wanted = {name: text for name, text in SHOWN.items() if name.startswith("doc" if family == "writer" else "xl")}
    for name in wanted:
        (tmp_path / f"{name}.{name.partition('-')[0]}").write_bytes(DOCUMENTS[name][0]())
    libreoffice.turn([libreoffice.Job(form, tmp_path / "out", tuple(sorted(tmp_path.iterdir())))])
    for name, text in wanted.items():
        assert text in (tmp_path / "out" / f"{name}.{ending}").read_text("utf-8-sig")
