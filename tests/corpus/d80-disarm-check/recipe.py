"""Documents before and after disarming, and some that were disarmed badly."""

from gateway import samples
from gateway.samples.package import parts_of
from tests.disarm import harness
from tests.makers import office, xlsb

PROJECT = b'<Override PartName="/word/vbaProject.bin" ContentType="application/vnd.ms-office.vbaProject"/>'


def disarmed(content: bytes, name: str) -> bytes:
    return harness.disarmed(content, name).content


def without_relation() -> bytes:
    def change(parts: dict[str, bytes]) -> None:
        rels = parts["word/_rels/document.xml.rels"]
        parts["word/_rels/document.xml.rels"] = rels.replace(b"vbaProject.bin", b"theme/theme1.xml")

    return office.changed(samples.docm_autoopen(), change)


def without_type() -> bytes:
    def change(parts: dict[str, bytes]) -> None:
        assert b"vbaProject" in parts[office.TYPES]
        parts[office.TYPES] = parts[office.TYPES].replace(PROJECT, b"")

    return office.changed(samples.docm_autoopen(), change)


def relabelled() -> bytes:
    """The types of a document without macros around one with them."""
    types = parts_of(disarmed(samples.docm_autoopen(), "a.docm"))[office.TYPES]
    return office.changed(samples.docm_autoopen(), lambda parts: parts.update({office.TYPES: types}))


FILES = {
    "document-armed.docm": samples.docm_autoopen,
    "document-clean.docx": lambda: disarmed(samples.docm_autoopen(), "document.docm"),
    "workbook-armed.xlsm": samples.xlsm_xlm_auto_open,
    "workbook-clean.xlsx": lambda: disarmed(samples.xlsm_xlm_auto_open(), "workbook.xlsm"),
    "binary-armed.xlsb": xlsb.workbook,
    "binary-clean.xlsb": lambda: disarmed(xlsb.workbook(), "binary.xlsb"),
    "without-relation-armed.docx": without_relation,
    "without-type-armed.docx": without_type,
    "relabelled-armed.docx": relabelled,
}
