from tests.makers.odd_mail import TEXT, TYPE, files

OTHER = TYPE.replace("foo", "bar")
BOTH = (f"\n\n{TEXT}", "\n\n--bar\n\n" + TEXT, "--foo--\n", "--foo--\n--bar--\n")


def parameters(text: str) -> tuple[str, ...]:
    return ("; boundary=foo", text, *BOTH)


FILES = files(
    {
        "first-field": (TYPE, TYPE + OTHER, *BOTH),
        "last-field": (TYPE, OTHER + TYPE, *BOTH),
        "first-parameter": parameters("; boundary=foo; boundary=bar"),
        "last-parameter": parameters("; boundary=bar; boundary=foo"),
        "comma-between": parameters("; boundary=bar, boundary=foo"),
        "extended-first": parameters("; boundary*=''foo; boundary=bar"),
        "extended-last": parameters("; boundary=bar; boundary*=''foo"),
        "plain-first": parameters("; boundary=foo; boundary*=''bar"),
        "plain-last": parameters("; boundary*=''bar; boundary=foo"),
        "text-first": (TYPE, "Content-Type: text/plain\n" + TYPE),
        "text-last": (TYPE, TYPE + "Content-Type: text/plain\n"),
        "types-with-comma": ("multipart/mixed;", "application/octet-stream, multipart/mixed;"),
        "multipart-too": ("Content-Disposition: attachment\n", OTHER),
    },
    held=("first-field", "extended-first", "text-last"),
)
