from tests.makers.odd_mail import TYPE, files

TYPES = {
    "quoted": '"multipart/mixed"',
    "escaped": "multi\\part/mixed",
    "cut": "ultipart/mixed",
    "x": "x-multipart/mixed",
    "single": "singlepart/mixed",
    "no-subtype": "multipart/",
    "no-slash": "multipart",
    "comment": "multipar()t/mixed",
    "encoded": "=?UTF-8?B?bXVsdGlwYXJ0?=/mixed",
}
PARAMETERS = {
    "odd-parameter": "; x:y=1; boundary=foo",
    "8-bit-parameter": "; x\xe4=1; boundary=foo",
    "no-semicolon": " boundary=foo",
    "comma": ", boundary=foo",
    "behind-a-word": "; a=bla boundary=foo",
    "behind-a-quote": '; a=bla"boundary=foo',
    "behind-an-escape": "; a=bla\\;boundary=foo",
    "in-quotes": '; a="bla;boundary=foo"',
    "all-quoted": '; "boundary=foo"',
    "misspelt": "; oundary=foo",
    "name-escaped": "; bou\\ndary=foo",
    "name-with-comment": "; boun()dary=foo",
    "long": "; a=" + "x" * 100_000 + "; boundary=foo",
    "many": "; a=b" * 10_000 + "; boundary=foo",
}

FILES = files(
    {name: ("multipart/mixed", kind) for name, kind in TYPES.items()}
    | {name: ("; boundary=foo", text) for name, text in PARAMETERS.items()}
    | {"folded-often": (TYPE, TYPE[:-1] + ";\n a=b" * 20_000 + "\n")},
    held=("cut", "misspelt"),
)
