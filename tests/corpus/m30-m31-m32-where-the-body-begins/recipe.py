from tests.makers.odd_mail import CODING, FILE, files

END = b"base64\r\n\r\n"
ENDS = {
    "nn": b"\n\n",
    "rr": b"\r\r",
    "rnr": b"\r\n\r",
    "rn-blank-rn": b"\r\n \r\n",
    "rn-tab-rn": b"\r\n\t\r\n",
    "rn-vt-rn": b"\r\n\v\r\n",
    "none": b"\r\n",
    "rnrnrn": b"\r\n\r\n\r\n",
    "rrn": b"\r\r\n",
    "rncn": b"\r\nc\n",
    "letters": b"\r\nABCD\r\n\r\n",
    "letters-no-line": b"\r\nABC=\r\n",
    "rnnrn": b"\r\n\n\r\n",
}

FILES = files(
    {
        **{f"end-{name}": (END, b"base64" + end) for name, end in ENDS.items()},
        **{
            f"begin-{name}": (FILE, start + FILE)
            for name, start in (("r", "\r"), ("n", "\n"), ("v", "\v"), ("colon", ":\n"))
        },
        "field-in-the-body": (CODING, "\n" + CODING),
        "field-in-the-body-alone": (CODING + "\n", "\n" + CODING),
        "words-then-a-field": (CODING, "\nSome words.\n" + CODING),
        "indented-field-in-the-body": (CODING, "\n " + CODING),
    },
    held=("field-in-the-body", "begin-n"),
    noted=("words-then-a-field",),
)
