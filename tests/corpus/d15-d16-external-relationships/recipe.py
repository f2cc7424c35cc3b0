from gateway import samples
from gateway.samples.package import OFFICE, package, parts_of, relations
from tests.makers.links import linked

SLIDE = (
    '<p:sld xmlns:p="urn:p" xmlns:a="urn:a" xmlns:r="urn:r"><a:{what} r:id="rId1" action="ppaction://program"/></p:sld>'
)


def presentation(target: str, what: str = "hlinkMouseOver") -> bytes:
    parts = {"[Content_Types].xml": "<Types/>", "ppt/slides/slide1.xml": SLIDE.format(what=what)}
    rels = relations((f"{OFFICE}/hyperlink", target), external=True)
    return package({**parts, "ppt/slides/_rels/slide1.xml.rels": rels})


def workbook(target: str) -> bytes:
    rels = relations((f"{OFFICE}/externalLinkPath", target), external=True)
    return package({**parts_of(samples.xlsx()), "xl/externalLinks/_rels/externalLink1.xml.rels": rels})


FILES = {
    "armed-template-http.docx": lambda: linked("attachedTemplate", "http://host.example/t.dotm", source="settings"),
    "armed-template-unc.docx": lambda: linked("attachedTemplate", "\\\\host.example\\s\\t.dotm", source="settings"),
    "armed-template-file.docx": lambda: linked("attachedTemplate", "file://host.example/t.dotm", source="settings"),
    "armed-template-escaped.docx": lambda: linked("attachedTemplate", "h%74tp://host.example/t", source="settings"),
    "armed-object-mhtml.docx": lambda: linked(
        "oleObject", "mhtml:https://host.example/a.html!x-usc:https://host.example/a.html"
    ),
    "armed-object-html.docx": lambda: linked("oleObject", "https://host.example/a.html!"),
    "armed-frame.docx": lambda: linked("frame", "http://host.example/f.htm", source="webSettings"),
    "armed-sub-document.docx": lambda: linked("subDocument", "https://host.example/b.docx"),
    "armed-chunk.docx": lambda: linked("aFChunk", "https://host.example/b.mht"),
    "armed-unheard-of.docx": lambda: linked("somethingNew", "https://host.example/b"),
    "armed-picture-on-a-share.docx": lambda: linked("image", "\\\\host.example\\s\\p.png"),
    "armed-picture-on-a-file-host.docx": lambda: linked("image", "file://host.example/s/p.png"),
    "armed-diagnosis.docx": lambda: linked("hyperlink", "ms-msdt:/id PCWDiagnostic"),
    "armed-search.docx": lambda: linked("hyperlink", "search-ms:query=x&amp;crumb=location:%5C%5Chost.example"),
    "armed-linked-workbook.xlsx": lambda: workbook("https://host.example/b.xlsx"),
    "armed-linked-workbook-webdav.xlsx": lambda: workbook("\\\\host.example@SSL\\s\\b.xlsx"),
    "armed-mouse.pptx": lambda: presentation("inert.exe"),
    "armed-click.pptx": lambda: presentation("file:///C:\\inert.exe", "hlinkClick"),
    "clean-template.docx": lambda: linked("attachedTemplate", "file:///C:\\Templates\\t.dotx", source="settings"),
    "clean-template-relative.docx": lambda: linked("attachedTemplate", "Normal.dotm", source="settings"),
    "clean-link.docx": lambda: linked("hyperlink", "https://host.example/DDE"),
    "clean-link-to-a-share.docx": lambda: linked("hyperlink", "file:///\\\\host.example\\s\\b.docx"),
    "clean-picture.docx": lambda: linked("image", "https://host.example/p.png"),
    "clean-linked-workbook.xlsx": lambda: workbook("file:///C:\\b.xlsx"),
    "clean-linked-workbook-on-a-share.xlsx": lambda: workbook("file:///\\\\server\\s\\b.xlsx"),
    "clean-presentation.pptx": lambda: presentation("https://host.example/"),
}
