from gateway import samples
from gateway.samples.package import package, parts_of
from tests.makers.vba import PART, docm_changed
from tests.makers.zips import Item, build

RELS = "word/_rels/document.xml.rels"
TYPES = "[Content_Types].xml"
BINARY = b"application/vnd.ms-office.vbaProject"
MAIN = b"application/vnd.ms-word.document.macroEnabled.main+xml"
PLAIN = b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"


def moved(to: str, *, linked: bool = True, typed: bool = True) -> bytes:
    """The project under another name, with or without what leads to it."""

    def change(parts: dict[str, bytes]) -> None:
        parts[to.lstrip("/")] = parts.pop(PART)
        target = f"/{to.lstrip('/')}".encode() if linked else b"gone.bin"
        parts[RELS] = parts[RELS].replace(b"vbaProject.bin", target)
        if not typed:
            parts[TYPES] = parts[TYPES].replace(BINARY, b"image/png")

    return docm_changed(change)


def written(name: str) -> bytes:
    """The member of the project named in another way; what leads to it stays."""
    return docm_changed(lambda parts: parts.update({name: parts.pop(PART)}))


def twice() -> bytes:
    armed, quiet = parts_of(samples.docm_autoopen()), parts_of(samples.docm_macro())
    items = [Item(name, content) for name, content in armed.items() if name != PART]
    return build([*items, Item(PART, quiet[PART]), Item(PART, armed[PART])])


def declared_plain() -> bytes:
    return docm_changed(lambda parts: parts.update({TYPES: parts[TYPES].replace(MAIN, PLAIN)}))


def declared_active() -> bytes:
    parts = parts_of(samples.docx())
    return package({**parts, TYPES: parts[TYPES].replace(PLAIN, MAIN)})


FILES = {
    "armed-renamed.docm": lambda: moved("word/settings9.dat"),
    "armed-other-folder.docm": lambda: moved("docProps/thumb/nail.jpeg"),
    "armed-type-changed.docm": lambda: moved("word/settings9.dat", typed=False),
    "armed-nothing-leads-to-it.docm": lambda: moved("customXml/item1.bin", linked=False, typed=False),
    "armed-declared-docx.docx": declared_plain,
    "armed-types-in-capitals.docm": lambda: docm_changed(
        lambda parts: parts.update({"[CONTENT_TYPES].XML": parts.pop(TYPES)})
    ),
    "armed-percent.docm": lambda: written("word/vba%50roject.bin"),
    "armed-backslash.docm": lambda: written("word\\vbaProject.bin"),
    "armed-dots.docm": lambda: written("word/./x/../vbaProject.bin"),
    "armed-other-case.docm": lambda: written("WORD/VBAPROJECT.BIN"),
    "armed-twice.docm": twice,
    "clean-declared-docm.docm": declared_active,
    "clean.docx": samples.docx,
}
