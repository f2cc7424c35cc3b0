"""No honest message is stopped, whatever program wrote it, with or without a clean document attached."""

import pytest

from gateway import samples
from gateway.closed_sets import Verdict
from gateway.samples import mail
from gateway.scan import Limits, examine
from tests.makers.honest import SHAPES
from tests.makers.looks import RULES
from tests.makers.mail import part

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
ATTACHED = {
    "nothing": [],
    "docx": [part(samples.docx(), mail.DOCX, name="Minutes.docx")],
    "doc": [part(samples.doc(), mail.DOC, name="Minutes.doc")],
    "pdf": [part(PDF * 20, "application/pdf", name="Bill.pdf")],
}


@pytest.mark.parametrize("attached", ATTACHED)
@pytest.mark.parametrize("shape", SHAPES)
def test_is_clean(shape: str, attached: str) -> None:
    report = examine(SHAPES[shape](ATTACHED[attached]), rules=RULES, limits=Limits())
    assert report.verdict is Verdict.CLEAN, report.findings
