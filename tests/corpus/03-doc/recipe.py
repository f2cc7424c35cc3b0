from gateway import samples
from gateway.samples.compound import compound_file, streams_of


def embedded() -> bytes:
    inner = {("ObjectPool", "_1", *path): content for path, content in streams_of(samples.doc_autoopen()).items()}
    return compound_file({**streams_of(samples.doc()), **inner})


FILES = {
    "clean.doc": samples.doc,
    "autoopen.doc": samples.doc_autoopen,
    "embedded.doc": embedded,
    "damaged.doc": lambda: samples.doc_autoopen()[:48] + b"\xff" * 4 + samples.doc_autoopen()[52:],
}
