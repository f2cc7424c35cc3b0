from gateway import samples
from gateway.samples import vba
from gateway.samples.package import content_types, package

FILES = {
    "clean.bin": lambda: package(
        {"[Content_Types].xml": content_types({"/a.xml": "application/xml"}), "a.xml": "<a/>"}
    ),
    "macro.bin": lambda: package(
        {"[Content_Types].xml": content_types({}), "a/vbaProject.bin": vba.project(samples.docm_autoopen())}
    ),
}
