from tests.makers.odd_mail import CODING, FILE, TYPE, files

FILES = files(
    {
        "blank-before-colon": (CODING, CODING.replace(":", " :")),
        "two-colons": (CODING, CODING.replace(":", "::")),
        "name-twice": (TYPE, TYPE.replace("Type:", "Type:Content-Type:")),
        "no-colon": (CODING, CODING.replace(":", "")),
        "blank-before-name": (CODING, " " + CODING),
        "blank-before-type": (TYPE, " " + TYPE),
        "first-line-indented": (FILE, " " + CODING + FILE.replace(CODING, "")),
        "return-before-name": (CODING, "\r" + CODING),
        "zero-before-name": (CODING, "\0" + CODING),
        "junk-line": (CODING, "some junk\n" + CODING),
        "junk-line-8-bit": (CODING, "\x01\xfe\n" + CODING),
        "blank-line": (CODING, " \n" + CODING),
        "name-in-odd-case": (CODING, CODING.swapcase()),
        "name-with-a-dot": (CODING, CODING.replace(":", ".:")),
        "name-that-looks-alike": (CODING, CODING.replace("Content", "C\xf6ntent")),
    },
    held=("blank-before-colon", "blank-before-name", "name-with-a-dot"),
    noted=("junk-line",),
)
