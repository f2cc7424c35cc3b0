from gateway.samples.package import package

FILES = {
    "page.html": lambda: b"<html><body><p>Hello</p></body></html>",
    "data.xml": lambda: b'<?xml version="1.0"?><data><item/></data>',
    "text.odt": lambda: package(
        {
            "mimetype": "application/vnd.oasis.opendocument.text",
            "META-INF/manifest.xml": "<manifest/>",
            "content.xml": "<office/>",
        }
    ),
}
