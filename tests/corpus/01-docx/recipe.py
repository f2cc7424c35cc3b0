from gateway import samples
from gateway.samples import word
from gateway.samples.package import OFFICE, package, parts_of, relations

FIELD = (
    "<w:p>" + "".join(f"<w:r><w:instrText>{piece}</w:instrText></w:r>" for piece in ("D", "DEAU", "TO x")) + "</w:p>"
)


def template() -> bytes:
    rels = relations((f"{OFFICE}/attachedTemplate", "http://templates.example.com/t.dotm"), external=True)
    return package({**parts_of(samples.docx()), "word/_rels/settings.xml.rels": rels})


FILES = {
    "clean.docx": samples.docx,
    "dde.docx": lambda: word.docx(body=FIELD),
    "template.docx": template,
}
