from tests.makers.odd_mail import FILE, files

VERSION = "MIME-Version: 1.0\n"

FILES = files(
    {
        "none": (VERSION, ""),
        "another": (VERSION, "MIME-Version: 2.0\n"),
        "twice": (VERSION, VERSION * 2),
        "in-a-part": (FILE, VERSION + FILE),
    }
)
