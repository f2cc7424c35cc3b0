from gateway import samples
from tests.makers.links import docx_with_text_part, field
from tests.makers.rtf import rtf

DDE = field("DDEAUTO c:\\\\inert &quot;x&quot;")
PAGE = field(" PAGE ")
W2003 = "http://schemas.microsoft.com/office/word/2003/wordml"
PACKAGE = "http://schemas.microsoft.com/office/2006/xmlPackage"
W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def body(*fields: str) -> bytes:
    return samples.docx(body="".join(f"<w:p>{one}</w:p>" for one in fields))


def around(before: str, inner: str, after: str) -> str:
    return field("|").replace("|", f"{before}</w:instrText></w:r>{inner}<w:r><w:instrText>{after}")


def text_box(inner: str) -> str:
    return f"<w:r><w:pict><w:txbxContent><w:p>{inner}</w:p></w:txbxContent></w:pict></w:r>"


def flat(inner: str, encoding: str = "utf-8") -> bytes:
    document = f'<w:document xmlns:w="{W}"><w:body><w:p>{inner}</w:p></w:body></w:document>'
    part = f'<pkg:part pkg:name="/word/document.xml"><pkg:xmlData>{document}</pkg:xmlData></pkg:part>'
    return f'<?xml version="1.0"?><pkg:package xmlns:pkg="{PACKAGE}">{part}</pkg:package>'.encode(encoding)


def word_2003(inner: str) -> bytes:
    return f'<?xml version="1.0"?><w:wordDocument xmlns:w="{W2003}"><w:p>{inner}</w:p></w:wordDocument>'.encode()


FILES = {
    "armed-plain.docx": lambda: body(DDE),
    "armed-in-runs.docx": lambda: body(field(" D", "DE", "AU", "TO x y")),
    "armed-simple.docx": lambda: body('<w:fldSimple w:instr="DDE x y"/>'),
    "armed-entity.docx": lambda: body(field("&#68;&#x44;E x y")),
    "armed-comment-inside.docx": lambda: body(field("D<!-- -->DE x y")),
    "armed-numbers.docx": lambda: body(around("", field("QUOTE 68 68 69"), " x y")),
    "armed-kept-word.docx": lambda: body(field("SET a &quot;DDE&quot;"), around("", field("REF a"), " x y")),
    "armed-nested.docx": lambda: body(around("IF 1 = 1 ", DDE, "")),
    "armed-text-box.docx": lambda: body(text_box(DDE)),
    "armed-header.docx": lambda: docx_with_text_part("hdr", DDE),
    "armed-footer.docx": lambda: docx_with_text_part("ftr", DDE),
    "armed-footnotes.docx": lambda: docx_with_text_part("footnotes", DDE),
    "armed-endnotes.docx": lambda: docx_with_text_part("endnotes", DDE),
    "armed-comments.docx": lambda: docx_with_text_part("comments", DDE),
    "armed-flat.xml": lambda: flat(DDE),
    "armed-flat-utf-16.doc": lambda: flat(DDE, "utf-16"),
    "armed-2003.xml": lambda: word_2003(field("D", "DEAUTO x y")),
    "armed-binary.doc": lambda: samples.doc("a \x13 DDEAUTO c:\\\\inert \x15"),
    "armed-binary-nested.doc": lambda: samples.doc("a \x13D\x13QUOTE 68 69\x14\x15 x y\x14\x15"),
    "armed-in-runs.rtf": lambda: rtf(b"{\\field{\\*\\fldinst {D}{\\b DEAU}\r\nTO x y}{\\fldrslt }}"),
    "armed-include-text.docx": lambda: body(field("INCLUDETEXT &quot;https://host.example/b.docx&quot;")),
    "armed-link.docx": lambda: body(
        field("LINK Word.Document.8 &quot;http://host.example/b.doc&quot; &quot;&quot; \\a")
    ),
    "armed-picture-on-a-share.docx": lambda: body(
        field("INCLUDEPICTURE &quot;\\\\\\\\host.example\\\\s\\\\p.png&quot; \\d")
    ),
    "armed-include-text.doc": lambda: samples.doc('\x13INCLUDETEXT "http://host.example/b.doc"\x14\x15'),
    "armed-include-text.rtf": lambda: rtf(
        b'{\\field{\\*\\fldinst INCLUDETEXT "http://host.example/b.rtf"}{\\fldrslt }}'
    ),
    "armed-diagnosis.docx": lambda: body(field("HYPERLINK &quot;ms-msdt:/id PCWDiagnostic&quot;")),
    "clean-ordinary.docx": lambda: body(PAGE, field("TOC \\o"), field("HYPERLINK &quot;http://host.example/DDE&quot;")),
    "clean-picture-of-the-web.docx": lambda: body(field("INCLUDEPICTURE &quot;https://host.example/p.png&quot;")),
    "clean-link-to-a-share.docx": lambda: body(field("HYPERLINK &quot;\\\\\\\\host.example\\\\s&quot;")),
    "clean-button.docx": lambda: body(field("MACROBUTTON Nothing Click here"), field("AUTOTEXT Greeting")),
    "clean-header.docx": lambda: docx_with_text_part("hdr", PAGE),
    "clean-binary.doc": lambda: samples.doc("DDE is \x13 PAGE \x14DDE x\x15"),
    "clean-ordinary.rtf": lambda: rtf(b'{\\field{\\*\\fldinst HYPERLINK "http://host.example/DDE"}{\\fldrslt DDE}}'),
    "clean-flat.xml": lambda: flat(PAGE, "utf-16"),
}
