from gateway.samples import vba
from gateway.samples.compound import compound_file
from gateway.samples.package import content_types, package
from tests.makers.vba import project_streams


def compound(procedure: str, storage: str, more: dict[tuple[str, ...], bytes]) -> bytes:
    project = {(storage, *path): content for path, content in project_streams(vba.inert(procedure)).items()}
    return compound_file({**more, **project})


def drawing(project: bool) -> bytes:
    kind = (
        "application/vnd.ms-visio.drawing.macroEnabled.main+xml"
        if project
        else "application/vnd.ms-visio.drawing.main+xml"
    )
    parts: dict[str, bytes | str] = {
        "[Content_Types].xml": content_types({"/visio/document.xml": kind}),
        "visio/document.xml": "<VisioDocument/>",
    }
    if project:
        parts["visio/vbaProject.bin"] = compound_file(project_streams(vba.inert("Document_DocumentOpened")))
    return package(parts)


def database(kind: bytes) -> bytes:
    return (b"\x00\x01\x00\x00" + kind + b"\x00").ljust(4096, b"\x00")


DRAWING = {("VisioDocument",): b"inert" * 20}
PUBLICATION = {("Quill", "QuillSub", "CONTENTS"): b"inert" * 20, ("Contents",): b"inert" * 20}

FILES = {
    "armed.pub": lambda: compound("Document_Open", "VBA", PUBLICATION),
    "armed.vsd": lambda: compound("Document_DocumentOpened", "Macros", DRAWING),
    "armed.vsdm": lambda: drawing(project=True),
    "armed.mpp": lambda: compound("Project_Open", "VBA_Project", {("Props",): b"inert" * 20}),
    "armed.mdb": lambda: database(b"Standard Jet DB"),
    "armed.accdb": lambda: database(b"Standard ACE DB"),
    "clean.pub": lambda: compound_file(PUBLICATION),
    "clean.vsd": lambda: compound_file(DRAWING),
    "clean.vsdx": lambda: drawing(project=False),
}
