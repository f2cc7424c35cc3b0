from gateway import samples
from gateway.samples import vba, word
from gateway.samples.package import OFFICE, content_types, package, relations

OPEN = "application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml"
MACRO = "application/vnd.ms-powerpoint.presentation.macroEnabled.main+xml"


def presentation(kind: str, **more: bytes) -> bytes:
    parts = {
        "[Content_Types].xml": content_types({"/ppt/presentation.xml": kind}),
        "_rels/.rels": relations((f"{OFFICE}/officeDocument", "ppt/presentation.xml")),
        "ppt/presentation.xml": "<p/>",
    }
    return package({**parts, **{name.replace("__", "/"): content for name, content in more.items()}})


FILES = {
    "clean.pptx": lambda: presentation(OPEN),
    "macro.pptm": lambda: presentation(MACRO, **{"ppt/vbaProject.bin": vba.project(samples.docm_macro())}),
    "auto-open.ppam": lambda: presentation(
        MACRO, **{"ppt/vbaProject.bin": vba.project(word.docm(vba.inert("Auto_Open")))}
    ),
}
