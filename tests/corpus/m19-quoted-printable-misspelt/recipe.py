from gateway import samples
from tests.makers.odd_mail import letter

WORDS = ("quoted-printabl", "quoted-print", "quotedprint", "x-quoted-printable", "quot(x)ed-printable")

FILES = {
    f"{word}-armed.eml": lambda word=word: letter(
        samples.doc_autoopen(), ("Encoding: quoted-printable", f"Encoding: {word}"), "quoted-printable"
    )
    for word in WORDS
} | {
    "text-clean.eml": lambda: letter(
        b"words\r\n" * 99,
        ("Encoding: quoted-printable", "Encoding: quotedprint", "application/octet-stream; name=a.doc", "text/plain"),
        "quoted-printable",
    )
}
