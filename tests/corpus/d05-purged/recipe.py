from gateway import samples
from tests.makers.vba import AUTOOPEN, NOTHING, doc, docm, module, project_streams

EMPTY_CACHE = b"\xcc\x61\xff\xff\x00\x00\x00"  # MS-OVBA 2.3.4.1, without a performance cache


def purged(source: str) -> dict[tuple[str, ...], bytes]:
    """A project of nothing but source: every module begins with it, and nothing compiled is kept."""
    streams = {path: c for path, c in project_streams(source).items() if not path[-1].startswith("__SRP")}
    return {**streams, ("VBA", "_VBA_PROJECT"): EMPTY_CACHE, ("VBA", "Module1"): module(source)}


def without(*names: str) -> dict[tuple[str, ...], bytes]:
    return {path: content for path, content in purged(AUTOOPEN).items() if path[-1] not in names}


FILES = {
    "armed.docm": lambda: docm(purged(AUTOOPEN)),
    "armed.doc": lambda: doc(purged(AUTOOPEN)),
    "armed-no-cache-at-all.docm": lambda: docm(without("_VBA_PROJECT")),
    "armed-no-listing.docm": lambda: docm(without("PROJECT", "PROJECTwm")),
    "clean-empty.docm": lambda: docm(purged(NOTHING)),
    "clean.doc": samples.doc,
}
