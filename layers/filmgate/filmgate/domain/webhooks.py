"""Signed webhooks by the rules of Standard Webhooks (standardwebhooks.com, version 1.0.0).

Three headers: an id that stays the same over all tries, the time of this try, and signatures, one
for each secret that is active. What is signed is "<id>.<seconds>.<body>".
"""

import base64
import hashlib
import hmac
import math
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

MARK: Final = "whsec_"
SECRET_BYTES: Final = 33  # the rules ask for 24 to 64; a multiple of three needs no padding
OVERLAP: Final = timedelta(hours=24)
HINT_LENGTH: Final = 4

# Before the second try, the third and so on: five quick ones for a restart, then about a day.
PAUSES_S: Final = (5, 30, 120, 600, 3_600, 10_800, 28_800, 41_400)
MOST_TRIES: Final = len(PAUSES_S) + 1
JITTER: Final = 0.1  # a pause is shortened by up to this part, so that no crowd comes at once

GONE: Final = 410


class DeliveryState(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A webhook of one generation, or of one run of a storyboard, and how its delivery stands.

    The body is kept as it was first written, so that every try sends the same bytes.
    `problem` is a public sentence about the last try, None when that was a success.
    """

    message_id: str
    url: str = field(repr=False)
    body: str = field(repr=False)
    created_at: datetime
    state: DeliveryState = DeliveryState.PENDING
    tries: int = 0
    last_status: int | None = None
    last_at: datetime | None = None
    problem: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing is to be sent any more: it was taken, or its receiver is gone for good.

        One that merely ran out of tries may be sent again when somebody asks for that.
        """
        return self.state is DeliveryState.DELIVERED or self.last_status == GONE


@dataclass(frozen=True, slots=True)
class SigningSecret:
    """A secret with its dates; `retires_at` is set once another has taken its place."""

    secret: str = field(repr=False)
    created_at: datetime
    retires_at: datetime | None = None

    @property
    def hint(self) -> str:
        return self.secret[-HINT_LENGTH:]


@dataclass(frozen=True, slots=True)
class SigningSecrets:
    """What an owner's webhooks are signed with: the secret in force and the one before it."""

    current: SigningSecret
    previous: SigningSecret | None = None

    def previous_at(self, now: datetime) -> SigningSecret | None:
        """The secret before the current one, as long as it is still active."""
        old = self.previous
        return old if old and old.retires_at and now < old.retires_at else None

    def active(self, now: datetime) -> tuple[str, ...]:
        old = self.previous_at(now)
        return (self.current.secret, *([old.secret] if old else []))

    def rotated(self, secret: str, now: datetime) -> "SigningSecrets":
        """A new secret in force, the one until now active for OVERLAP more, none older.

        Rotating twice therefore ends a secret that became known at once.
        """
        return SigningSecrets(
            SigningSecret(secret, now), replace(self.current, retires_at=now + OVERLAP)
        )


def secret_text(random_bytes: bytes) -> str:
    """A secret in the form that receivers' libraries take."""
    return MARK + base64.b64encode(random_bytes).decode()


def signed_headers(
    message_id: str, body: bytes, secrets: tuple[str, ...], now: datetime
) -> dict[str, str]:
    """The three headers of one try."""
    seconds = str(math.floor(now.timestamp()))
    signed = b".".join((message_id.encode(), seconds.encode(), body))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(_signature(secret, signed) for secret in secrets),
    }


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(MARK))
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def pause_s(tries: int, *, jitter: float, scale_percent: float = 100) -> int:
    """Seconds from the end of try number `tries` to the next; jitter is from 0 to 1."""
    whole = PAUSES_S[min(tries, len(PAUSES_S)) - 1] * scale_percent / 100
    return max(1, math.ceil(whole * (1 - JITTER * jitter)))


def state_after(status: int | None, *, final: bool, last: bool) -> DeliveryState:
    """How a delivery stands after a try. `status` is None when there was no answer; `final` says
    that no other try can help, `last` that none will be made.

    Success is any 2xx. A redirect is a failure: following it would sign for another address.
    """
    if status is not None and 200 <= status <= 299:
        return DeliveryState.DELIVERED
    return DeliveryState.FAILED if final or last or status == GONE else DeliveryState.PENDING
