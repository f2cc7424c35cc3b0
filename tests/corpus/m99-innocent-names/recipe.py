from gateway import samples
from tests.makers import mail

# The ending, and the type a sender would declare with it.
NAMES = {
    "png": "image/png",
    "wbk": "application/octet-stream",
    "asd": "application/octet-stream",
    "htm": "text/html",
    "rtf": "application/rtf",
    "wiz": "application/msword",
    "xml": "text/xml",
    "tmp": "application/octet-stream",
    "txt": "text/plain",
    "eml": "application/octet-stream",
    "mp3": "audio/mpeg",
}
DOCUMENTS = {
    "armed-doc": samples.doc_autoopen,
    "armed-docm": samples.docm_autoopen,
    "armed-xlsm": samples.xlsm_workbook_open,
    "clean-docx": samples.docx,
}


def letter(content: bytes, ending: str) -> bytes:
    return mail.message([mail.text(), mail.part(content, NAMES[ending], name=f"scan.{ending}")])


FILES = {
    f"{document}-{ending}.eml": (lambda make=make, ending=ending: letter(make(), ending))
    for document, make in DOCUMENTS.items()
    for ending in NAMES
}
