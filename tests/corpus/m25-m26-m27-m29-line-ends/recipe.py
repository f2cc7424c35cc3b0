from tests.makers.odd_mail import CODING, TYPE, files, letter

NAME = b"Content-Disposition: attachment\r\n"
ENDS = {
    "r": b"\r",
    "n": b"\n",
    "nr": b"\n\r",
    "rrn": b"\r\r\n",
    "rnn": b"\r\n\n",
    "rnr": b"\r\n\r",
    "nrn": b"\n\r\n",
    "rc": b"\r\x13",
    "cn": b"\x13\n",
    "rcn": b"\r{}\n",
    "r-blank": b"\r ",
}

FILES = files(
    {
        **{f"end-{name}": (NAME, NAME[:-2] + end) for name, end in ENDS.items()},
        "behind-a-return": (TYPE, "X-Foo: bar\r" + TYPE),
        "continues-a-broken-field": (TYPE, "X-Foo :bar\n " + TYPE),
        "continues-junk": (TYPE, "X-Foo-bar\n " + TYPE),
        "zero-in-the-name": (CODING, CODING.replace(":", "\0:")),
        "zero-first": (CODING, CODING.replace(": ", ": \0")),
        "zero-inside": (CODING, CODING.replace("base64", "bas\0e64")),
        "zero-last": (CODING, CODING.replace("base64", "base64\0")),
        "zero-in-the-type": (TYPE, TYPE.replace("multipart", "multi\0part")),
    },
    held=("behind-a-return", "continues-a-broken-field", "zero-inside"),
) | {
    "script-behind-a-return-armed.eml": lambda: letter(
        b"WScript.Echo(1)\r\n" * 9,
        (TYPE, "X-Foo: bar\r" + TYPE, "application/octet-stream; name=a.doc", "x/y; name=a.js"),
    )
}
