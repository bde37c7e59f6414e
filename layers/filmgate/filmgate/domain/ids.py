"""Ids are derived, not drawn: the same request gives the same generation, whenever it comes."""

import hashlib
from base64 import b32encode
from typing import Final

_LENGTH: Final = 26  # of base32: 130 bits
_SHORT: Final = 16  # 80 bits, for people to read out


def generation_id(tenant: str, user: str, idempotency_key: str) -> str:
    """The id of the generation that this user asks for under this key."""
    return f"gen_{digest(tenant, user, idempotency_key)}"


def attempt_id(generation_id: str, index: int) -> str:
    """The id of the attempt at place `index` of the chain; also its reference at the provider."""
    return f"att_{_stem(generation_id)}{index:02d}"


def take_id(attempt_id: str) -> str:
    """The id of an attempt's result; an attempt has one."""
    return f"take_{_stem(attempt_id)}"


def is_generation_id(text: str) -> bool:
    """Whether a text has the form of a generation's id."""
    return _is_id(text, "gen_")


def generation_of_take(take_id: str) -> str | None:
    """The generation that a take's id belongs to; None when the text is no take's id."""
    stem = take_id.removeprefix("take_")
    if stem == take_id or len(stem) != _LENGTH + 2 or not stem.isalnum():
        return None
    return f"gen_{stem[:_LENGTH]}"


def upload_id(tenant: str, user: str, *what: str) -> str:
    """The id of what this user brings, named by what tells it from everything else of theirs."""
    return f"upl_{digest('upload', tenant, user, *what)}"


def is_upload_id(text: str) -> bool:
    """Whether a text has the form of an upload's id."""
    stem = text.removeprefix("upl_")
    return stem != text and len(stem) == _LENGTH and stem.isascii() and stem.isalnum()


def event_id(generation_id: str) -> str:
    """The id under which the end of a generation is told; there is one end."""
    return f"evt_{_stem(generation_id)}"


def storyboard_event_id(storyboard_id: str, run: int) -> str:
    """The id under which the end of a storyboard's run is told; a resume has an end of its own."""
    return f"evt_{_stem(storyboard_id)}n{run}"


def quote_id(*parts: str) -> str:
    """A name for what was priced: the same for the same request, chain, prices and time."""
    return f"quo_{digest(*parts)}"


def is_quote_id(text: str) -> bool:
    """Whether a text has the form of a quote's name."""
    return _is_id(text, "quo_")


def token_id(token_hash: str) -> str:
    """The name of an API token, which tells neither the token nor its hash."""
    return f"tok_{digest('token', token_hash)[:_SHORT]}"


def claim_id(tenant: str, user: str, idempotency_key: str) -> str:
    """What a user's key stands for where no generation is meant."""
    return f"clm_{digest('claim', tenant, user, idempotency_key)}"


def audit_id(request_id: str, action: str, thing: str) -> str:
    """The record of what one request did to one thing."""
    return f"aud_{digest(request_id, action, thing)}"


def notice_id(tenant: str, kind: str, *about: str) -> str:
    """The id of the notice of this kind about this very thing."""
    return f"ntc_{digest(tenant, kind, *about)}"


def storyboard_id(tenant: str, user: str, idempotency_key: str) -> str:
    """The id of the storyboard that this user asks for under this key."""
    return f"sb_{digest('storyboard', tenant, user, idempotency_key)}"


def is_storyboard_id(text: str) -> bool:
    """Whether a text has the form of a storyboard's id."""
    return _is_id(text, "sb_")


def part_key(storyboard_id: str, shot_number: int, role: str, revision: int) -> str:
    """The idempotency key of the generation that makes one part of a shot.

    The same part in the same revision is the same generation however often it is asked for. The
    spaces keep it apart from every key that a caller can send, which is visible ASCII.
    """
    return f"{storyboard_id} {shot_number} {role} {revision}"


def _is_id(text: str, prefix: str) -> bool:
    stem = text.removeprefix(prefix)
    return stem != text and len(stem) == _LENGTH and stem.isascii() and stem.isalnum()


def _stem(identifier: str) -> str:
    return identifier.partition("_")[2]


def digest(*parts: str) -> str:
    """130 bits that recognise these texts again and tell nothing of them."""
    joined = "\x00".join(f"{len(part)}:{part}" for part in parts)
    hashed = hashlib.sha256(joined.encode()).digest()
    return b32encode(hashed).decode().lower()[:_LENGTH]
