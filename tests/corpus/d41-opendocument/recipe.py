from tests.makers.odf import (
    ENCRYPTION,
    content,
    flat,
    flat_basic,
    library,
    listener,
    listeners,
    odf,
    with_basic,
)

PYTHON = "def inert():\n    pass\n"
VBA = "Option VBASupport 1\nSub Workbook_Open()\n  ' INERT\nEnd Sub\n"
PROGRAM = '<presentation:event-listener presentation:action="execute" xlink:href="inert.exe"/>'
DDE = '<table:dde-link><office:dde-source office:dde-application="inert" office:dde-topic="x"/></table:dde-link>'
FUNCTION = '<table:table-cell table:formula="of:=DDE(&quot;inert&quot;;&quot;x&quot;;&quot;y&quot;)"/>'
PICTURE = '<draw:image xlink:href="{}"/>'
SECTION = '<text:section-source xlink:href="https://host.example/b.odt"/>'

FILES = {
    "armed-on-load.odt": lambda: with_basic(content(listeners("dom:load"))),
    "armed-on-load.ods": lambda: odf(content(listeners("dom:load")), kind="spreadsheet"),
    "armed-on-load.odp": lambda: odf(content(listeners("office:view-created")), kind="presentation"),
    "armed-on-load.sxw": lambda: with_basic(content('<script:event script:event-name="on-load"/>')),
    "armed-on-load.fodt": lambda: flat(listeners("dom:load") + flat_basic()),
    "armed-named.doc": lambda: flat(listeners("dom:load") + flat_basic()),
    "armed-utf-16.fodt": lambda: flat(listeners("dom:load")).decode().replace("UTF-8", "UTF-16").encode("utf-16"),
    "armed-basic.odt": with_basic,
    "armed-python.odt": lambda: odf(Scripts__python__inert_py=PYTHON),
    "armed-vba-names.ods": lambda: with_basic(code=VBA),
    "armed-form.odt": lambda: with_basic(content(body=listener("dom:click"))),
    "armed-dde.ods": lambda: odf(content(body=DDE), kind="spreadsheet"),
    "armed-dde-function.ods": lambda: odf(content(body=FUNCTION), kind="spreadsheet"),
    "armed-section.odt": lambda: odf(content(body=SECTION)),
    "armed-picture-on-a-share.odt": lambda: odf(content(body=PICTURE.format("file://host.example/s/p.png"))),
    "armed-program.odp": lambda: odf(content(body=PROGRAM), kind="presentation"),
    "held-encrypted.odt": lambda: odf(manifest=ENCRYPTION),
    "clean-plain.odt": odf,
    "clean-plain.fodt": flat,
    "clean-empty-library.odt": lambda: odf(
        **{"Basic__script-lc_xml": "<libraries/>", "Basic__Standard__script-lb_xml": library()}
    ),
    "clean-links.odt": lambda: odf(
        content(body=PICTURE.format("https://host.example/p.png") + '<text:a xlink:href="file:///C:/b.odt"/>')
    ),
}
