"""Keys of providers, on moto: read when needed, remembered for minutes, never repeated."""

import json
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from filmgate.adapters.secrets import CACHED_S, ProviderKeys
from filmgate.domain.errors import ProviderKeyRefused, ProviderUnavailable
from tests.support.aws import account, client

PREFIX = "filmgate/test/"
NAME = f"{PREFIX}acme/lumen"
CANARY = "canary-5b1f"


class Seconds:
    """A clock that stands until told."""

    def __init__(self) -> None:
        self.now = 50.0  # below CACHED_S: a fresh process has a small monotonic clock

    def __call__(self) -> float:
        return self.now


class Asked:
    """Secrets Manager with a count of its calls; `error` is raised instead of an answer."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.names: list[str] = []
        self.error: Exception | None = None

    def get_secret_value(self, SecretId: str) -> Any:
        self.names.append(SecretId)
        if self.error is not None:
            raise self.error
        return self._inner.get_secret_value(SecretId=SecretId)


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def asked() -> Iterator[Asked]:
    with account():
        yield Asked(client("secretsmanager"))


@pytest.fixture
def keys(asked: Asked, seconds: Seconds) -> ProviderKeys:
    return ProviderKeys(asked, PREFIX, clock=seconds)


def stored(text: str) -> None:
    client("secretsmanager").create_secret(Name=NAME, SecretString=text)


def rotated(text: str) -> None:
    client("secretsmanager").put_secret_value(SecretId=NAME, SecretString=text)


def refusal(code: str) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": f"about {CANARY}"}}
    return ClientError(answer, "GetSecretValue")


def test_a_key_is_read_under_prefix_tenant_and_provider(keys: ProviderKeys, asked: Asked) -> None:
    stored('{"access_key": "a", "secret_key": "b"}')

    key = keys.read("acme", "lumen")

    assert key == {"access_key": "a", "secret_key": "b"}
    assert asked.names == ["filmgate/test/acme/lumen"]


def test_a_key_is_remembered_for_five_minutes(
    keys: ProviderKeys, asked: Asked, seconds: Seconds
) -> None:
    stored('{"api_key": "old"}')
    keys.read("acme", "lumen")
    rotated('{"api_key": "new"}')

    seconds.now += CACHED_S - 0.001
    remembered = keys.read("acme", "lumen")
    seconds.now += 0.001
    fresh = keys.read("acme", "lumen")

    assert CACHED_S == 300
    assert (remembered, fresh) == ({"api_key": "old"}, {"api_key": "new"})
    assert len(asked.names) == 2


def test_keys_of_tenants_and_providers_are_remembered_apart(keys: ProviderKeys) -> None:
    for tenant, provider in [("acme", "lumen"), ("acme", "kling"), ("other", "lumen")]:
        client("secretsmanager").create_secret(
            Name=f"{PREFIX}{tenant}/{provider}",
            SecretString=json.dumps({"api_key": f"{tenant}-{provider}"}),
        )

    read = [
        keys.read(tenant, provider)["api_key"]
        for tenant, provider in [("acme", "lumen"), ("acme", "kling"), ("other", "lumen")] * 2
    ]

    assert read == ["acme-lumen", "acme-kling", "other-lumen"] * 2


def test_no_key_is_key_refused_and_is_not_remembered(keys: ProviderKeys) -> None:
    with pytest.raises(ProviderKeyRefused, match="has no key stored"):
        keys.read("acme", "lumen")
    stored('{"api_key": "now"}')

    assert keys.read("acme", "lumen") == {"api_key": "now"}


@pytest.mark.parametrize(
    "text",
    [
        CANARY,
        f'"{CANARY}"',
        f'["{CANARY}"]',
        f'{{"api_key": "{CANARY}"',
        f'{{"api_key": ["{CANARY}"]}}',
        f'{{"api_key": "{CANARY}", "n": 1}}',
        f'{{"api_key": null, "x": "{CANARY}"}}',
        "null",
        " ",
    ],
)
def test_a_secret_that_is_no_object_of_texts_is_refused_and_never_repeated(
    keys: ProviderKeys, text: str
) -> None:
    stored(text)

    with pytest.raises(ProviderKeyRefused) as refused:
        keys.read("acme", "lumen")

    told = "".join(traceback.format_exception(refused.value)) + repr(vars(refused.value))
    assert refused.value.message == "its stored key is no JSON object of texts"
    assert CANARY not in told


def test_a_binary_secret_is_refused(keys: ProviderKeys) -> None:
    client("secretsmanager").create_secret(Name=NAME, SecretBinary=CANARY.encode())

    with pytest.raises(ProviderKeyRefused, match="no JSON object of texts"):
        keys.read("acme", "lumen")


def test_a_bad_key_that_was_mended_is_read_at_once(keys: ProviderKeys) -> None:
    stored("bad")
    with pytest.raises(ProviderKeyRefused):
        keys.read("acme", "lumen")

    rotated('{"api_key": "good"}')

    assert keys.read("acme", "lumen") == {"api_key": "good"}


@pytest.mark.parametrize(
    "error",
    [
        refusal("AccessDeniedException"),
        refusal("DecryptionFailure"),
        refusal("ThrottlingException"),
        EndpointConnectionError(endpoint_url="https://secretsmanager.example"),
    ],
    ids=["denied", "encrypted", "throttled", "unreachable"],
)
def test_a_secret_store_that_cannot_be_read_makes_that_provider_unavailable_only(
    keys: ProviderKeys, asked: Asked, error: Exception
) -> None:
    stored('{"api_key": "a"}')
    asked.error = error

    with pytest.raises(ProviderUnavailable) as away:
        keys.read("acme", "lumen")

    assert (away.value.provider, away.value.message) == ("lumen", "its key cannot be read now")
    assert CANARY not in str(away.value)


def test_a_key_in_memory_outlives_an_outage_of_the_store(
    keys: ProviderKeys, asked: Asked, seconds: Seconds
) -> None:
    stored('{"api_key": "a"}')
    keys.read("acme", "lumen")
    asked.error = refusal("InternalServiceError")

    seconds.now += 60

    assert keys.read("acme", "lumen") == {"api_key": "a"}
