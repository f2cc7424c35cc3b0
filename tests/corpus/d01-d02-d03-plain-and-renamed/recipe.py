from gateway import samples
from gateway.samples import vba, word
from gateway.samples.package import package, parts_of

KINDS = {
    "dotm": "application/vnd.ms-word.template.macroEnabledTemplate.main+xml",
    "potm": "application/vnd.ms-powerpoint.template.macroEnabled.main+xml",
    "ppam": "application/vnd.ms-powerpoint.addin.macroEnabled.main+xml",
    "ppsm": "application/vnd.ms-powerpoint.slideshow.macroEnabled.main+xml",
    "xltm": "application/vnd.ms-excel.template.macroEnabled.main+xml",
}
DOCUMENT = b"application/vnd.ms-word.document.macroEnabled.main+xml"


def typed(kind: str, procedure: str) -> bytes:
    """The same package, declared to be of another kind; its parts lie where the declaration puts them."""
    folder = {"d": "word", "p": "ppt", "x": "xl"}[kind[0]]
    parts = parts_of(word.docm(vba.inert(procedure)))
    types = parts["[Content_Types].xml"].replace(DOCUMENT, KINDS[kind].encode())
    moved = {name.replace("word/", f"{folder}/"): content for name, content in parts.items()}
    moved["[Content_Types].xml"] = types.replace(b"/word/", f"/{folder}/".encode())
    moved["_rels/.rels"] = moved["_rels/.rels"].replace(b"word/", f"{folder}/".encode())
    return package(moved)


FILES = {
    "armed.docm": samples.docm_autoopen,
    "armed.xlsm": samples.xlsm_workbook_open,
    "armed.xlsb": samples.xlsb_workbook_open,
    "armed.xlam": samples.xlam_workbook_open,
    "armed.dotm": lambda: typed("dotm", "AutoNew"),
    "armed.potm": lambda: typed("potm", "App_PresentationOpen"),
    "armed.ppam": lambda: typed("ppam", "Auto_Open"),
    "armed.ppsm": lambda: typed("ppsm", "OnSlideShowPageChange"),
    "armed.xltm": lambda: typed("xltm", "Auto_Open"),
    "armed-docm-named.doc": samples.docm_autoopen,
    "armed-docm-named.rtf": samples.docm_autoopen,
    "armed-xlsm-named.xls": samples.xlsm_workbook_open,
    "armed-doc-named.docx": samples.doc_autoopen,
    "armed-doc-named.txt": samples.doc_autoopen,
    "armed-xls-without-extension": samples.xls_workbook_open,
    "armed-bare-project.bin": lambda: vba.project(samples.docm_autoopen()),
    "clean.docx": samples.docx,
    "clean-docx-named.docm": samples.docx,
    "clean-doc-named.docx": samples.doc,
    "clean-xlsx-named.xls": samples.xlsx,
}
