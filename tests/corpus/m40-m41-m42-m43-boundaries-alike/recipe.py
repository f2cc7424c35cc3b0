from gateway import samples
from tests.makers.mail import encode, raw
from tests.makers.odd_mail import FILE, LETTER, TEXT, WORDS, files

HEAD = LETTER.partition("Content-Type")[0]
KIND = "Content-Type: multipart/mixed; boundary="


def nested(outer: str, inner: str, before: str = "", first: str = "") -> str:
    """One multipart in another, the document in the inner one. ``before`` and ``first`` are parts before either."""
    body = f"{first}{TEXT}--foo\n{FILE}\nCONTENT--foo--\n".replace("foo", inner)
    return f"{HEAD}{KIND}{outer}\n\n{before}--{outer}\n{KIND}{inner}\n\n{body}--{outer}--\n"


NESTED = {
    "inner-goes-on": nested("foo", "foo_"),
    "outer-goes-on": nested("foo_", "foo"),
    "outer-goes-on-and-more": nested("foo_", "foo", first="--foo_X\n\n"),
    "inner-is-the-outer-end": nested("foo", "foo--"),
    "the-same": nested("foo", "foo"),
    "the-same-behind-an-end": nested("foo", "foo", "--foo\n\nwords\n--foo--\n\n"),
    "the-same-with-an-end-inside": nested("foo", "foo", first="--foo\n\nwords\n--foo--\n\n"),
    "inner-says-none": nested("foo", "bar").replace("; boundary=bar", ""),
    "inner-uses-the-outer": nested("foo", "foo").replace(f"--foo\n{KIND}foo", "--foo\nContent-Type: multipart/mixed"),
}
BEHIND = {"X": "X", "word": " X", "dash": "-", "blank": " ", "tab": "\t", "vt": "\v"}


def made(text: str, content: bytes) -> bytes:
    return raw(text).replace(b"CONTENT", encode(content, "base64"))


FILES = {
    f"{name}-{word}.eml": lambda text=text, content=content: made(text, content)
    for name, text in NESTED.items()
    for word, content in (("armed", samples.doc_autoopen()), ("clean", WORDS))
} | files({f"behind-{name}": ("--foo\n", f"--foo{text}\n") for name, text in BEHIND.items()}, held=("behind-X",))
