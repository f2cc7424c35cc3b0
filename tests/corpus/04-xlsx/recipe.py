from gateway import samples
from gateway.samples.package import package, parts_of

LINK = '<externalLink xmlns="urn:x"><ddeLink ddeService="cmd" ddeTopic="/c x"/></externalLink>'

FILES = {
    "clean.xlsx": samples.xlsx,
    "dde.xlsx": lambda: package({**parts_of(samples.xlsx()), "xl/externalLinks/externalLink1.xml": LINK}),
}
