from gateway import samples
from gateway.samples import vba, word
from gateway.samples.package import package, parts_of

EVENTS = (
    "InkPicture1_Painted",
    "Frame1_Layout",
    "Box_GotFocus",
    "Image1_MouseMove",
    "Ink_Resize",
    "Web_DocumentComplete",
)
FLASH = "{D27CDB6E-AE6D-11CF-96B8-444553540000}"
CHECK_BOX = "{8BD21D40-EC42-11CE-9E0D-00AA006002F3}"


def control(clsid: str) -> bytes:
    ocx = f'<ax:ocx ax:classid="{clsid}" xmlns:ax="http://schemas.microsoft.com/office/2006/activeX"/>'
    return package(
        {**parts_of(samples.docx()), "word/activeX/activeX1.xml": ocx, "word/activeX/activeX1.bin": b"inert"}
    )


FILES = {
    **{f"armed-{name.lower().replace('_', '-')}.docm": lambda name=name: word.docm(vba.inert(name)) for name in EVENTS},
    "armed-flash.docx": lambda: control(FLASH),
    "clean-check-box.docx": lambda: control(CHECK_BOX),
}
