"""Who is behind a bearer token?"""

import hashlib
import re
from datetime import datetime
from typing import Final

from filmgate.domain.errors import Unauthenticated
from filmgate.usecases.ports import Principal, Studio

_TOKEN: Final = re.compile(r"fg_([a-z0-9]{1,32})_([A-Za-z0-9_-]{43})")


def authorize(header: str | None, *, studio: Studio, now: datetime) -> Principal:
    """The principal of an Authorization header's value; raises Unauthenticated, saying why.

    A token is "fg_<tenant>_<43 characters>": 256 random bits, of which only the SHA-256 is kept.
    The look-up is by that hash, so no comparison can leak the token by its timing.
    """
    if not header:
        raise Unauthenticated("Send the header Authorization: Bearer <token>.")
    scheme, _, token = header.partition(" ")
    match = _TOKEN.fullmatch(token.strip())
    if scheme.lower() != "bearer" or match is None:
        raise Unauthenticated("The Authorization header holds no token of this gateway.")
    found = studio.token(match[1], token_hash(token.strip()))
    if found is None or found.revoked_at is not None:
        raise Unauthenticated("This token is not known or was revoked.")
    if found.expires_at is not None and found.expires_at <= now:
        raise Unauthenticated("This token has expired.")
    return found.principal


def token_hash(token: str) -> str:
    """What the table keeps of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
