"""The store of signing secrets over Secrets Manager as moto plays it, and over one that fails."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from filmgate.adapters.webhook_secrets import WebhookSecrets
from filmgate.domain.errors import KeyStoreUnavailable, Stale, StateConflict
from filmgate.domain.webhooks import SigningSecret, SigningSecrets
from filmgate.usecases.webhooks import rotate_secret
from tests.support.aws import account, client
from tests.support.builders import NOW

PREFIX = "filmgate-webhook/test/"
CANARY = "whsec_canary"


@pytest.fixture
def store() -> Iterator[WebhookSecrets]:
    with account():
        yield WebhookSecrets(client("secretsmanager"), PREFIX)


def secrets(text: str = CANARY) -> SigningSecrets:
    return SigningSecrets(SigningSecret(text, NOW))


def test_what_is_kept_is_read_again_with_its_dates(store: WebhookSecrets) -> None:
    both = secrets("whsec_a").rotated("whsec_b", NOW)

    store.replace("acme", both, version=None)

    assert store.read("acme") == both
    assert store.read("other") is None


def test_of_two_who_make_the_first_secret_one_is_told_to_look_again(store: WebhookSecrets) -> None:
    store.replace("acme", secrets("whsec_a"), version=None)

    with pytest.raises(Stale):
        store.replace("acme", secrets("whsec_b"), version=None)

    assert store.read("acme") == secrets("whsec_a")


def test_of_two_who_replace_the_same_version_one_is_told_to_look_again(
    store: WebhookSecrets,
) -> None:
    store.replace("acme", secrets("whsec_a"), version=None)
    _, seen = store.read_version("acme")
    store.replace("acme", secrets("whsec_b"), version=seen)

    with pytest.raises(Stale):
        store.replace("acme", secrets("whsec_c"), version=seen)

    assert store.read("acme") == secrets("whsec_b")


def test_a_rotation_that_another_overtakes_shows_no_secret_that_is_not_in_force(
    store: WebhookSecrets,
) -> None:
    rotate_secret(tenant="acme", store=store, now=NOW)

    def overtaken() -> str:
        rotate_secret(tenant="acme", store=store, now=NOW, draw=lambda: "whsec_theirs")
        return "whsec_ours"

    with pytest.raises(StateConflict):
        rotate_secret(tenant="acme", store=store, now=NOW, draw=overtaken)

    found = store.read("acme")
    assert found is not None
    assert found.current.secret == "whsec_theirs"


class Failing:
    """A client whose every call fails."""

    def __init__(self, failure: Exception) -> None:
        self._failure = failure

    def __getattr__(self, _: str) -> Any:
        def call(**_: Any) -> None:
            raise self._failure

        return call


@pytest.mark.parametrize(
    "failure",
    [
        ClientError({"Error": {"Code": "ThrottlingException", "Message": CANARY}}, "x"),
        ConnectTimeoutError(endpoint_url="https://secrets.example"),
    ],
)
def test_a_store_that_fails_says_so_without_the_secret(failure: Exception) -> None:
    store = WebhookSecrets(Failing(failure), PREFIX)

    for call in (
        lambda: store.read("acme"),
        lambda: store.replace("acme", secrets(), version=None),
        lambda: store.replace("acme", secrets(), version="v"),
    ):
        with pytest.raises(KeyStoreUnavailable) as raised:
            call()
        assert CANARY not in str(raised.value)
        assert raised.value.__suppress_context__
