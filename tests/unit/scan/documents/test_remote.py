import pytest

from gateway.scan.documents.remote import is_remote


@pytest.mark.parametrize(
    "address",
    [
        "http://host/t.dotm",
        "HTTPS://host/t.dotm",
        "\\\\host\\share\\t.dotm",
        "//host/share",
        "file://host/share/t.dotm",
        "file:////host/share",
        "file:///\\\\host\\share",
        "file:\\\\host\\share",
        " ftp://host/x",
        "mhtml:http://host/x",
        "ms-word:ofe|u|http://host/x",
        "ms-msdt:/id",
        "search-ms:query=x",
    ],
)
def test_an_address_on_another_machine(address):
    assert is_remote(address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "Normal.dotm",
        "C:\\Templates\\x.dotm",
        "file:///C:\\Templates\\x.dotm",
        "file:///c:/x",
        "../media/x.png",
        "file://localhost/c:/x",
    ],
)
def test_an_address_on_this_machine(address):
    assert not is_remote(address)
