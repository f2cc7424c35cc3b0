from gateway import samples
from tests.makers import mail, seven_zip
from tests.makers.seven_zip import BCJ, BZIP2, COPY, DEFLATE, DELTA, LZMA, LZMA2, PPMD, Coder, aes

DOCUMENT, QUIET = samples.doc_autoopen(), samples.docx()
NOTE = "Sehr geehrte Damen und Herren,\n\nanbei unser Angebot. Das Kennwort lautet: Z4hlung!\n"


WORD = "Z4hlung!"


def archive(document: bytes = DOCUMENT, *coders: Coder, password: str = WORD, hidden: bool = False, **more) -> bytes:
    lock = aes(password, rounds=19)
    header = (LZMA, lock) if hidden else (LZMA,)
    files = {"Angebot/Angebot.doc": document, "Angebot/Liesmich.txt": b"Siehe Angebot.\r\n", "Angebot/leer": b""}
    return seven_zip.build(files, (*(coders or (LZMA2,)), lock), header=header, **more)


def sent(content: bytes, body: str = NOTE, **headers: str) -> bytes:
    text = mail.part(body.encode(), "text/plain; charset=utf-8")
    return mail.message([text, mail.part(content, "application/x-7z-compressed", name="Angebot.7z")], **headers)


def half_locked(document: bytes) -> bytes:
    """The document lies open, beside a member nobody can open."""
    return seven_zip.mixed({"a.doc": (document, (LZMA,)), "b.txt": (b"note", (LZMA, aes("nobody knows")))})


FILES = {
    "armed-names-shown.eml": lambda: sent(archive()),
    "armed-names-hidden.eml": lambda: sent(archive(hidden=True)),
    "armed-subject.eml": lambda: sent(archive(hidden=True), "Hi\n", Subject="Angebot (Kennwort: Z4hlung!)"),
    "armed-everybodys-password.eml": lambda: sent(archive(password="infected"), "Hi\n"),
    "armed-solid.eml": lambda: sent(archive(solid=True, hidden=True)),
    "armed-japanese-password.eml": lambda: sent(archive(password="請求書"), "解凍パスワード：請求書\n"),
    "armed-stored.eml": lambda: sent(archive(DOCUMENT, COPY)),
    "armed-lzma-behind-a-filter.eml": lambda: sent(archive(DOCUMENT, BCJ, LZMA, backwards=True)),
    "armed-delta-and-deflate.eml": lambda: sent(archive(DOCUMENT, DELTA, DEFLATE)),
    "armed-bzip2.eml": lambda: sent(archive(DOCUMENT, BZIP2)),
    "armed-program.eml": lambda: sent(b"MZ" + bytes(600) + archive(hidden=True)),
    "armed-behind-the-end.eml": lambda: sent(archive(QUIET) + DOCUMENT),
    "armed-half-locked.7z": lambda: half_locked(DOCUMENT),
    "armed-unknown-password.eml": lambda: sent(archive(password="nobody knows")),
    "armed-unknown-password-names-hidden.eml": lambda: sent(archive(password="nobody knows", hidden=True)),
    "armed-ppmd.eml": lambda: sent(archive(DOCUMENT, PPMD)),
    "held-damaged.eml": lambda: sent(archive(QUIET)[:-30]),
    "clean-names-shown.eml": lambda: sent(archive(QUIET)),
    "clean-names-hidden.eml": lambda: sent(archive(QUIET, hidden=True, solid=True)),
}
