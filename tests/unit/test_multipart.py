"""Forms: every byte of a file arrives, and a body that is no form is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmgate.domain.errors import ValidationFailed
from filmgate.multipart import Part, fields_of, read_form

KIND = "multipart/form-data; boundary=lamp"


def form(*parts: tuple[str, bytes]) -> bytes:
    rows = (b"--lamp\r\n" + head.encode() + b"\r\n\r\n" + data + b"\r\n" for head, data in parts)
    return b"".join(rows) + b"--lamp--\r\n"


def field(name: str, text: str) -> Part:
    return Part(name, text.encode(), None)


@given(st.binary().filter(lambda data: b"\r\n--lamp" not in data))
def test_every_byte_of_a_file_arrives(data: bytes) -> None:
    head = (
        'Content-Disposition: form-data; name="still"; filename="a.png"\r\nContent-Type: image/png'
    )

    parts = read_form(KIND, form(("content-disposition: form-data; name=x", b"1"), (head, data)))

    assert parts == [Part("x", b"1", None), Part("still", data, "a.png")]


@pytest.mark.parametrize(
    "kind",
    [
        KIND,
        'multipart/form-data; boundary="lamp"',
        "multipart/form-data; charset=utf-8; boundary=lamp",
    ],
)
def test_a_boundary_may_be_said_in_any_way(kind: str) -> None:
    body = form(('Content-Disposition: form-data; name="a"', b""))

    assert read_form(kind, b"a preamble\r\n" + body) == [Part("a", b"", None)]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", form()),
        ("multipart/form-data; boundary=other", form(("a: b", b""))),
        (KIND, b""),
        (KIND, b"--lamp\r\n"),
        (KIND, form(('Content-Disposition: form-data; name="a"', b"1"))[:-6]),
        (KIND, b'--lamp\r\nContent-Disposition: form-data; name="a"\r\n--lamp--'),
        (KIND, form(("Content-Disposition: form-data", b"1"))),
        (KIND, form(("Content-Type: text/plain", b"1"))),
    ],
)
def test_what_is_no_such_form_is_refused(kind: str, body: bytes) -> None:
    with pytest.raises(ValidationFailed):
        read_form(kind, body)


def test_fields_are_read_as_json_would_have_them() -> None:
    fields = fields_of(
        [
            field("a", "1"),
            field("b[]", "2"),
            field("b[]", "3"),
            field("c[d]", "4"),
            field("c[e]", "5"),
        ]
    )

    assert fields == {"a": "1", "b": ["2", "3"], "c": {"d": "4", "e": "5"}}


@pytest.mark.parametrize(
    "names", [("a", "a"), ("c[d]", "c[d]"), ("a", "a[d]"), ("b[]", "b[d]"), ("b[d]", "b[]")]
)
def test_a_field_that_comes_twice_is_refused(names: tuple[str, str]) -> None:
    with pytest.raises(ValidationFailed) as refused:
        fields_of([field(name, "1") for name in names])

    assert refused.value.faults == ((f"/{names[1]}", "comes twice"),)


def test_a_field_that_is_no_text_is_refused() -> None:
    with pytest.raises(ValidationFailed):
        fields_of([Part("a", b"\xff", None)])
