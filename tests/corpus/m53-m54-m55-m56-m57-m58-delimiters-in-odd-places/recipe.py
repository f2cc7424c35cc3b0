from gateway import samples
from tests.makers.mail import encode, raw
from tests.makers.odd_mail import FILE, LETTER, TEXT, TYPE, WORDS, files

HEAD = LETTER.partition("Content-Type")[0]
OUTER = 'Content-Type: multipart/mixed; boundary="out:1"\n'
INSIDE = f"{TEXT}--foo\n{FILE}\nCONTENT--foo--\n"
NESTED = {
    "end-in-the-top-header": f"{OUTER}--out:1--\n\n--out:1\n{TYPE}\n{INSIDE}--out:1--\n",
    "end-in-the-inner-header": f"{OUTER}\n--out:1\n{TYPE}--out:1--\n\n{INSIDE}--out:1--\n",
    "delimiter-in-the-inner-header": f"{OUTER}\n--out:1\n{TYPE}--out:1\n\n{INSIDE}--out:1--\n",
    "outer-boundary-in-base64": f"{OUTER}\n--out:1\n{TYPE}\n"
    + INSIDE.replace("CONTENT", "--out:1\nCONTENT")
    + "--out:1--\n",
}


def made(text: str, content: bytes) -> bytes:
    return raw(HEAD + text).replace(b"CONTENT", encode(content, "base64"))


FILES = {
    f"{name}-{word}.eml": lambda text=text, content=content: made(text, content)
    for name, text in NESTED.items()
    for word, content in (("armed", samples.doc_autoopen()), ("clean", WORDS))
} | files(
    {
        "in-the-preamble": (TEXT, FILE + "\nCONTENT" + TEXT, f"--foo\n{FILE}\nCONTENT--foo--", "--foo--"),
        "in-the-epilogue": (f"--foo\n{FILE}\nCONTENT--foo--\n", "--foo--\n" + FILE + "\nCONTENT"),
        "return-before": (b"--foo\r\n", b"\n\r--foo\n"),
        "blank-and-return-before": (b"--foo\r\n", b" \r--foo\n"),
        "return-behind": (b"--foo\r\n", b"--foo\r"),
        "line-ends-in-a-return": (b"attachment.\r\n--foo", b"attachment.\r--foo"),
        "empty-line-behind": ("--foo\n" + FILE, "--foo\n\n" + FILE),
        "no-multipart": (TYPE, "Content-Type: text/plain; boundary=foo\n"),
        "a-part-with-a-boundary": ("name=a.doc", "boundary=bar"),
    },
    held=("in-the-preamble", "empty-line-behind", "no-multipart"),
)
