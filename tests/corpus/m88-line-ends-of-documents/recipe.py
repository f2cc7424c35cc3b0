from gateway import samples
from tests.makers import hidings, mail


def sent(content: bytes, coding: str) -> bytes:
    return mail.message([mail.text(), mail.part(content, name="a.doc", coding=coding)])


def converted(content: bytes) -> bytes:
    return content.replace(b"\n", b"\r\n")


AS_IT_IS = {f"{coding}.eml": (lambda content, coding=coding: sent(content, coding)) for coding in ("binary", "8bit")}
CONVERTED = {
    f"converted-{coding}.eml": (lambda content, coding=coding: sent(converted(content), coding))
    for coding in ("binary", "8bit", "base64")
}
REPLACED = {"carriage-returns-replaced.eml": lambda content: sent(content.replace(b"\r", b"\n"), "binary")}
TEXT = b"Nothing but words,\nand a few more of them.\n" * 40

FILES = (
    hidings.files(AS_IT_IS, armed=hidings.ARMED, clean=hidings.CLEAN)
    | hidings.files(CONVERTED, armed=hidings.ARMED, held=hidings.CLEAN, clean=TEXT)
    | hidings.files(CONVERTED, **{"armed-package": samples.docm_autoopen()})
    | hidings.files(REPLACED, armed=hidings.ARMED)
)
