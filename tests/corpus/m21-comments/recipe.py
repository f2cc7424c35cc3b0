from tests.makers.odd_mail import CODING, FILE, files


def value(text: str) -> tuple[str, ...]:
    return CODING, f"Content-Transfer-Encoding: {text}\n"


FILES = files(
    {
        "before": value("(x) base64"),
        "behind": value("base64 (x)"),
        "inside": value("bas()e64"),
        "folded": value("bas(\n )e64"),
        "all-of-it": value("(base64)"),
    },
    noted=("before",),
) | {
    name: make
    for name, make in files(
        {
            "no-end": value("(base64"),
            "no-end-behind": value("base64(quoted-printable"),
            "in-the-name": (FILE, FILE.replace("Transfer", "Transfe(r")),
        }
    ).items()
    if "armed" in name
}
