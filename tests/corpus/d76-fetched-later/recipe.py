from gateway import samples
from tests.makers.links import doc_with_template, field, linked

TEXT = field("INCLUDETEXT https://host.example/b.docm")

FILES = {
    "armed-template.docx": lambda: linked("attachedTemplate", "https://host.example/t.dotm", source="settings"),
    "armed-template.doc": lambda: doc_with_template("https://host.example/t.dot"),
    "armed-text.docx": lambda: samples.docx(body=f"<w:p>{TEXT}</w:p>"),
    "clean-link.docx": lambda: linked("hyperlink", "https://host.example/b.docm"),
}
