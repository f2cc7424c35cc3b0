from tests.makers.odd_mail import CODING, files

FIELD = "Content-Transfer-Encoding: {}\n"


def fields(*values: str) -> tuple[str, ...]:
    return CODING, "".join(FIELD.format(value) for value in values)


FILES = files(
    {
        "first-counts": fields("base64", "quoted-printable"),
        "last-counts": fields("quoted-printable", "base64"),
        "comma": fields("base64, quoted-printable"),
        "comma-reversed": fields("quoted-printable,base64"),
        "quoted-comma": fields('"base64", 7bit'),
        "blank-between": fields("quoted-printable base64"),
        "semicolon-before": fields(";base64"),
        "semicolon-behind": fields("base64;"),
        "comma-before": fields(",base64"),
        "one-empty": fields("", "base64"),
        "last-empty": fields("base64", ""),
        "three": fields("7bit", "base64", "base64"),
        "three-reversed": fields("base64", "base64", "7bit"),
    },
    held=("first-counts", "comma"),
    noted=("comma-before",),
)
