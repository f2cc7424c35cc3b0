from gateway import samples
from gateway.samples import vba
from gateway.samples.compound import compound_file

FILES = {
    "clean.bin": lambda: compound_file({("Contents",): b"something else" * 10}),
    "vbaProject.bin": lambda: vba.project(samples.docm_autoopen()),
}
