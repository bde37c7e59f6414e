"""multipart/form-data (RFC 7578): fields and files of a body that is already in memory."""

from collections.abc import Iterable
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser
from typing import Any

from filmgate.domain.errors import ValidationFailed


@dataclass(frozen=True, slots=True)
class Part:
    """One field, or one file where it has a name of its own."""

    name: str
    data: bytes
    filename: str | None


def read_form(content_type: str, body: bytes) -> list[Part]:
    """The parts in the order in which they were sent; raises ValidationFailed for no such form.

    Split at the boundary by hand, byte for byte: a parser of mail would take lines apart.
    """
    head = Message()
    head["Content-Type"] = content_type
    boundary = str(head.get_param("boundary") or "").encode()
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary)
    if not boundary or len(pieces) < 2 or pieces[-1].strip() != b"--":
        raise _unreadable()
    return [_part(piece) for piece in pieces[1:-1]]


def fields_of(parts: Iterable[Part]) -> dict[str, Any]:
    """The fields as JSON would have them: `tags[]` is a list, `a[b]` a field of an object.

    Raises ValidationFailed for a field that comes twice and for one that is no text.
    """
    fields: dict[str, Any] = {}
    for part in parts:
        outer, bracket, inner = part.name.removesuffix("]").partition("[")
        text = _text(part)
        if not bracket:
            _set_once(fields, outer, text, part.name)
        elif inner:
            _set_once(fields.setdefault(outer, {}), inner, text, part.name)
        elif isinstance(listed := fields.setdefault(outer, []), list):
            listed.append(text)
        else:
            raise _twice(part.name)
    return fields


def _part(piece: bytes) -> Part:
    head, divider, data = piece.partition(b"\r\n\r\n")
    headers = BytesHeaderParser().parsebytes(head.strip() + b"\r\n\r\n")
    name = headers.get_param("name", header="content-disposition")
    if not divider or not isinstance(name, str):
        raise _unreadable()
    return Part(name, data, headers.get_filename())


def _text(part: Part) -> str:
    try:
        return part.data.decode()
    except UnicodeDecodeError:
        raise ValidationFailed([(f"/{part.name}", "must be text in UTF-8")]) from None


def _set_once(fields: Any, name: str, text: str, spelt: str) -> None:
    if not isinstance(fields, dict) or name in fields:
        raise _twice(spelt)
    fields[name] = text


def _twice(name: str) -> ValidationFailed:
    return ValidationFailed([(f"/{name}", "comes twice")])


def _unreadable() -> ValidationFailed:
    return ValidationFailed([("", "is not multipart/form-data with the boundary that it names")])
