from gateway import samples
from gateway.samples import vba, word
from gateway.samples.package import package, parts_of

PROJECT = "word/vbaProject.bin"


def renamed() -> bytes:
    parts = parts_of(samples.docm_autoopen())
    parts["word/settings9.dat"] = parts.pop(PROJECT)
    rels = "word/_rels/document.xml.rels"
    parts[rels] = parts[rels].replace(b"vbaProject.bin", b"settings9.dat")
    return package(parts)


def backslash() -> bytes:
    parts = parts_of(samples.docm_autoopen())
    parts["word\\vbaProject.bin"] = parts.pop(PROJECT)
    return package(parts)


def embedded() -> bytes:
    return package({**parts_of(samples.docx()), "word/embeddings/inner.bin": samples.docm_autoopen()})


FILES = {
    "autoopen.docm": samples.docm_autoopen,
    "event.docm": lambda: word.docm(vba.inert("InkPicture1_Painted")),
    "macro.docm": samples.docm_macro,
    "renamed-project.docx": renamed,
    "backslash.docm": backslash,
    "embedded.docx": embedded,
}
