from gateway.samples import mail as samples
from tests.makers import carriers, museum


def sent(name: str, content: bytes) -> bytes:
    return museum.letter("Salary new", "See attached.\n", {"Salary_new.zip": samples.zipped(name, content)})


FILES = {
    "armed.eml": lambda: sent("Salary_and_bonuses-04.01.2022.xll", carriers.library("xlAutoOpen")),
    "clean.eml": lambda: sent("Salary.csv", b"name;salary\r\nAlice;1000\r\n"),
}
