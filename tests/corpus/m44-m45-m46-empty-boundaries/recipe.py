from tests.makers.odd_mail import TYPE, files


def boundary(said: str, written: str) -> tuple[str, ...]:
    return "boundary=foo", f"boundary={said}", "--foo", f"--{written}"


FILES = files(
    {
        "blank-inside": boundary("f oo", "f oo"),
        "blank-inside-quoted": boundary('"f oo"', "f oo"),
        "blank-inside-first-word": boundary("f oo", "f"),
        "blank-before": boundary('" foo"', " foo"),
        "blank-before-said-only": boundary('" foo"', "foo"),
        "blank-behind-said-only": boundary('"foo "', "foo"),
        "blank-behind-written-only": boundary("foo", "foo "),
        "another-word-behind": boundary('"foo X"', "foo Y"),
        "empty": boundary('""', ""),
        "empty-unquoted": boundary("", ""),
        "one-quote": boundary('"', ""),
        "only-a-blank": boundary('" "', " "),
        "only-a-semicolon": boundary(";", ""),
        "none": ("; boundary=foo", ""),
        "no-type": (TYPE, ""),
    },
    held=("empty", "none"),
)
