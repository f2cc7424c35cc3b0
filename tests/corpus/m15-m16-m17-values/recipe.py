from tests.makers.odd_mail import CODING, TYPE, files

FIELD = "Content-Transfer-Encoding:"
BLANKS = " " * 2000

FILES = files(
    {
        "folded": (CODING, f"{FIELD}\n base64\n"),
        "folded-twice": (CODING, f"{FIELD}\n \n base64\n"),
        "type-folded": (TYPE, "Content-Type:\n multipart/mixed;\n \n\tboundary=foo\n"),
        "no-blank": (CODING, f"{FIELD}base64\n"),
        "tab": (CODING, f"{FIELD}\tbase64\n"),
        "vertical-tab": (CODING, f"{FIELD}\vbase64\n"),
        "carriage-return": (CODING, f"{FIELD}\rbase64\n"),
        "many-blanks": (CODING, f"{FIELD} {BLANKS}base64\n"),
        "word-folded": (CODING, f"{FIELD} bas\n e64\n"),
        "capitals": (CODING, f"{FIELD} baSE64\n", "multipart", "mULtipart"),
    },
    held=("carriage-return",),
)
