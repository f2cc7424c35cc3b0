import bz2
import gzip
import lzma

from gateway import samples

FILES = {
    "invoice.docm.gz": lambda: gzip.compress(samples.docm_autoopen(), mtime=0),
    "invoice.docm.bz2": lambda: bz2.compress(samples.docm_autoopen()),
    "invoice.docm.xz": lambda: lzma.compress(samples.docm_autoopen()),
    "minutes.docx.gz": lambda: gzip.compress(samples.docx(), mtime=0),
}
