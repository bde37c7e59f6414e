"""multipart/form-data as the vendors' client libraries send it: fields and files, read whole."""

import re
from dataclasses import dataclass

_BOUNDARY = re.compile(r'boundary="?([^";,]{1,70})"?', re.IGNORECASE)
_NAME = re.compile(r'(?:^|;)\s*name="([^"]*)"', re.IGNORECASE)
_FILE_NAME = re.compile(r'(?:^|;)\s*filename="([^"]*)"', re.IGNORECASE)


class UnreadableForm(ValueError):
    """The body is no form of this boundary."""


@dataclass(frozen=True)
class Part:
    """One field, or one file where `file_name` is set."""

    name: str
    content: bytes
    file_name: str | None = None
    media_type: str | None = None


def is_form(content_type: str) -> bool:
    return content_type.lower().startswith("multipart/form-data")


def read_form(content_type: str, body: bytes) -> list[Part]:
    """The parts in the order they were sent. Raises UnreadableForm."""
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise UnreadableForm("the content type names no boundary")
    # Every boundary stands at the start of a line; the first one may be the body's own start.
    pieces = (b"\r\n" + body).split(b"\r\n--" + found[1].encode())
    if len(pieces) < 2 or pieces[0].strip() or pieces[-1].strip() != b"--":
        raise UnreadableForm("the body does not begin and end with the boundary")
    return [_part(piece) for piece in pieces[1:-1]]


def _part(piece: bytes) -> Part:
    head, divider, content = piece.partition(b"\r\n\r\n")
    if not divider:
        raise UnreadableForm("a part has no headers")
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (
            line.partition(":") for line in head.decode("utf-8", "replace").split("\r\n")
        )
    }
    disposition = headers.get("content-disposition", "")
    name, file_name = _NAME.search(disposition), _FILE_NAME.search(disposition)
    if name is None:
        raise UnreadableForm("a part has no name")
    media_type = headers.get("content-type")
    return Part(name[1], content, file_name[1] if file_name else None, media_type)
