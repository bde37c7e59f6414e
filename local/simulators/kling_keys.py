"""Kling's two ways to sign a call, facts read 2026-11 (ai-sdk/klingai 4.0.31, kling-api 1.0.0).

An API key works on both protocols; a JWT (HS256 with the secret key; `iss` is the access key, with
`exp` and `nbf`) on the legacy one only. Chosen here, where the pages are silent: an unreadable
token or an unknown key is code 1002, a wrong signature 1000.
"""

import base64
import binascii
import hashlib
import hmac
import json
from typing import Any

KEY_PREFIX = "sim-"
SECRET_KEY = "sim-secret"  # Public: whoever tests against the simulator signs with it.


class KeyRefused(Exception):
    """The call is not signed as it must be; `code` is the vendor's."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def check_authorization(header: str | None, *, legacy: bool, now_s: float) -> None:
    """Pass a good `Authorization` header. Raises KeyRefused with the vendor's code."""
    if not header:
        raise KeyRefused(1001, "Authorization is empty")
    scheme, _, token = header.partition(" ")
    if scheme != "Bearer" or not token:
        raise KeyRefused(1002, "Authorization is invalid")
    if token.count(".") == 2:
        if not legacy:
            raise KeyRefused(1002, "Authorization is invalid: this API takes an API key")
        _check_jwt(token, now_s)
    elif not token.startswith(KEY_PREFIX):
        raise KeyRefused(1002, "Authorization is invalid: api key not found")


def _decoded(part: str) -> bytes:
    if "=" in part or "+" in part or "/" in part:
        raise KeyRefused(1002, "Authorization is invalid: base64url without padding is wanted")
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError) as error:
        raise KeyRefused(1002, "Authorization is invalid: not base64url") from error


def _decoded_object(part: str) -> dict[str, Any]:
    try:
        value = json.loads(_decoded(part))
    except ValueError as error:
        raise KeyRefused(1002, "Authorization is invalid: not a JWT") from error
    if not isinstance(value, dict):
        raise KeyRefused(1002, "Authorization is invalid: not a JWT")
    return value


def _check_jwt(token: str, now_s: float) -> None:
    head, body, signature = token.split(".")
    if _decoded_object(head).get("alg") != "HS256":
        raise KeyRefused(1002, "Authorization is invalid: HS256 is wanted")
    claims = _decoded_object(body)
    if not str(claims.get("iss", "")).startswith(KEY_PREFIX):
        raise KeyRefused(1002, "Authorization is invalid: access key not found")
    signed = f"{head}.{body}".encode()
    expected = hmac.new(SECRET_KEY.encode(), signed, hashlib.sha256).digest()
    if not hmac.compare_digest(expected, _decoded(signature)):
        raise KeyRefused(1000, "Authentication failed: signature is invalid")
    if _seconds(claims, "nbf", default=0) > now_s:
        raise KeyRefused(1003, "Authorization is not yet valid")
    if _seconds(claims, "exp", default=0) <= now_s:
        raise KeyRefused(1004, "Authorization has expired")


def _seconds(claims: dict[str, Any], name: str, *, default: float) -> float:
    value = claims.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise KeyRefused(1002, f"Authorization is invalid: {name} is not a number")
    return value
