"""Signatures by the rules of Standard Webhooks, the rotation of secrets, and the pauses."""

import base64
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from filmgate.domain.webhooks import (
    MOST_TRIES,
    PAUSES_S,
    SECRET_BYTES,
    Delivery,
    DeliveryState,
    SigningSecret,
    SigningSecrets,
    pause_s,
    secret_text,
    signed_headers,
    state_after,
)
from tests.support.builders import NOW

OLD = secret_text(b"o" * SECRET_BYTES)
NEW = secret_text(b"n" * SECRET_BYTES)
BODY = '{"type":"generation.finished","data":{"title":"Der Lampenanzünder"}}'.encode()


def test_the_signature_is_the_one_of_the_rules_own_example() -> None:
    """The vector of the specification's reference libraries."""
    headers = signed_headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        b'{"test": 2432232314}',
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",),
        datetime.fromtimestamp(1614265330, UTC),
    )

    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@pytest.mark.parametrize("known", [OLD, NEW])
def test_the_official_library_verifies_under_either_of_two_secrets(known: str) -> None:
    headers = signed_headers("evt_1", BODY, (NEW, OLD), datetime.now(UTC))

    assert Webhook(known).verify(BODY, headers)["type"] == "generation.finished"


@pytest.mark.parametrize(
    ("name", "value"),
    [("webhook-id", "evt_2"), ("webhook-timestamp", None), ("webhook-signature", "v1,AAAA")],
)
def test_the_official_library_refuses_what_was_changed(name: str, value: str | None) -> None:
    now = datetime.now(UTC)
    headers = signed_headers("evt_1", BODY, (NEW,), now)
    other = value or str(int(headers["webhook-timestamp"]) + 1)

    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(BODY, {**headers, name: other})


def test_a_secret_has_as_many_bytes_as_the_rules_ask_for_and_no_padding() -> None:
    assert 24 <= len(base64.b64decode(NEW.removeprefix("whsec_"))) <= 64
    assert not NEW.endswith("=")


# --- rotation ----------------------------------------------------------------------------------


def test_the_old_secret_is_active_for_a_day() -> None:
    later = NOW + timedelta(hours=1)

    both = SigningSecrets(SigningSecret(OLD, NOW)).rotated(NEW, later)

    assert both.active(later) == (NEW, OLD)
    assert both.active(later + timedelta(hours=24, seconds=-1)) == (NEW, OLD)
    assert both.active(later + timedelta(hours=24)) == (NEW,)


def test_rotating_twice_ends_the_oldest_at_once() -> None:
    third = secret_text(b"t" * SECRET_BYTES)

    secrets = SigningSecrets(SigningSecret(OLD, NOW)).rotated(NEW, NOW).rotated(third, NOW)

    assert secrets.active(NOW) == (third, NEW)


def test_no_repr_shows_a_secret_an_address_or_a_body() -> None:
    secrets = SigningSecrets(SigningSecret(OLD, NOW)).rotated(NEW, NOW)
    delivery = Delivery("evt_1", "https://hooks.example/canary", "body-canary", NOW)

    shown = repr(secrets) + repr(delivery)

    assert "whsec_" not in shown
    assert "canary" not in shown


# --- tries -------------------------------------------------------------------------------------


def test_the_tries_are_spread_over_about_a_day() -> None:
    shortest = sum(pause_s(tries, jitter=1) for tries in range(1, MOST_TRIES))
    longest = sum(pause_s(tries, jitter=0) for tries in range(1, MOST_TRIES))

    assert longest == sum(PAUSES_S)
    assert timedelta(hours=20) < timedelta(seconds=shortest) < timedelta(hours=22)
    assert timedelta(hours=23) < timedelta(seconds=longest) < timedelta(hours=24)


def test_every_pause_is_longer_than_the_one_before() -> None:
    pauses = [(pause_s(n, jitter=1), pause_s(n, jitter=0)) for n in range(1, MOST_TRIES)]

    assert all(longest < shortest for (_, longest), (shortest, _) in pairwise(pauses))


def test_a_scale_shortens_the_pauses_to_a_second_at_the_least() -> None:
    scaled = [pause_s(n, jitter=0, scale_percent=0.1) for n in range(1, MOST_TRIES)]

    assert scaled == [1, 1, 1, 1, 4, 11, 29, 42]


@pytest.mark.parametrize(
    ("status", "final", "last", "state"),
    [
        (200, False, False, "delivered"),
        (299, False, True, "delivered"),
        (301, False, False, "pending"),
        (400, False, False, "pending"),
        (410, False, False, "failed"),
        (429, False, False, "pending"),
        (500, False, True, "failed"),
        (None, False, False, "pending"),
        (None, False, True, "failed"),
        (None, True, False, "failed"),
    ],
)
def test_how_a_delivery_stands_after_a_try(
    status: int | None, final: bool, last: bool, state: str
) -> None:
    assert state_after(status, final=final, last=last) is DeliveryState(state)
