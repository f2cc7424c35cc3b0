from tests.makers.odd_mail import FILE, TYPE, files

END = "CONTENT--foo--\n"
INNER = (TYPE, TYPE.replace("foo", "out") + "\n--out\n" + TYPE)

FILES = files(
    {
        "none": (END, "CONTENT"),
        "one-dash": ("--foo--", "--foo-"),
        "trailing-words": ("--foo--", "--foo-- and so on"),
        "a-delimiter": ("--foo--", "--foo"),
        "outer": INNER,
        "inner": (*INNER, END, "CONTENT--out--\n"),
        "both": (*INNER, END, "CONTENT"),
        "cut-off": (END, "CONTENT--fo", FILE, FILE.replace("Disposition", "Dispositio")),
    },
    noted=("none", "both"),
)
