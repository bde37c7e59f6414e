"""The store of keys over Secrets Manager as moto plays it, and over one that fails."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ParamValidationError

from filmgate.adapters.secrets import ProviderKeys, ProviderKeyStore
from filmgate.domain.errors import KeyStoreUnavailable, ProviderKeyRefused
from tests.support import aws

PREFIX = "filmgate/test/"
CANARY = "sk-canary-0123456789"


@pytest.fixture
def client() -> Iterator[Any]:
    with aws.account():
        yield aws.client("secretsmanager")


def read(client: Any, tenant: str = "acme") -> Any:
    return ProviderKeys(client, PREFIX).read(tenant, "dalle")


def test_a_key_is_one_json_secret_per_tenant_and_provider(client: Any) -> None:
    store = ProviderKeyStore(client, PREFIX)

    store.put("acme", "dalle", {"api_key": CANARY})
    store.put("other", "dalle", {"api_key": "theirs"})

    names = [secret["Name"] for secret in client.list_secrets()["SecretList"]]
    assert sorted(names) == ["filmgate/test/acme/dalle", "filmgate/test/other/dalle"]
    assert read(client) == {"api_key": CANARY}
    assert read(client, "other") == {"api_key": "theirs"}


def test_a_new_key_takes_the_place_of_the_old_one(client: Any) -> None:
    store = ProviderKeyStore(client, PREFIX)

    store.put("acme", "dalle", {"api_key": "old"})
    store.put("acme", "dalle", {"api_key": "new"})

    assert read(client) == {"api_key": "new"}


def test_a_deleted_key_is_read_by_nobody_and_may_be_deleted_again(client: Any) -> None:
    store = ProviderKeyStore(client, PREFIX)
    store.delete("acme", "dalle")
    store.put("acme", "dalle", {"api_key": CANARY})

    store.delete("acme", "dalle")
    store.delete("acme", "dalle")

    with pytest.raises(ProviderKeyRefused, match="has no key stored"):
        read(client)


def test_a_key_may_be_set_again_while_the_old_one_waits_for_its_end(client: Any) -> None:
    store = ProviderKeyStore(client, PREFIX)
    store.put("acme", "dalle", {"api_key": "old"})
    store.delete("acme", "dalle")

    store.put("acme", "dalle", {"api_key": "new"})

    assert read(client) == {"api_key": "new"}


def test_a_key_is_remembered_until_it_is_to_be_forgotten(client: Any) -> None:
    store, keys = ProviderKeyStore(client, PREFIX), ProviderKeys(client, PREFIX)
    store.put("acme", "dalle", {"api_key": "old"})
    keys.read("acme", "dalle")
    store.put("acme", "dalle", {"api_key": "new"})

    remembered = keys.read("acme", "dalle")
    keys.forget("acme", "dalle")

    assert (remembered["api_key"], keys.read("acme", "dalle")["api_key"]) == ("old", "new")


class Answering:
    """A client that has one script for every operation; the last word of a script stays."""

    def __init__(self, **scripts: list[str | Exception]) -> None:
        self.scripts = scripts
        self.called: list[str] = []

    def __getattr__(self, operation: str) -> Any:
        def call(**_: Any) -> None:
            self.called.append(operation)
            script = self.scripts.get(operation, ["done"])
            word = script.pop(0) if len(script) > 1 else script[0]
            if isinstance(word, Exception):
                raise word
            if word != "done":
                raise ClientError({"Error": {"Code": word, "Message": CANARY}}, operation)

        return call


def test_a_key_that_another_creates_meanwhile_is_overwritten() -> None:
    client = Answering(
        restore_secret=["ResourceNotFoundException", "InvalidRequestException"],
        create_secret=["ResourceExistsException"],
    )

    ProviderKeyStore(client, PREFIX).put("acme", "dalle", {"api_key": CANARY})

    assert client.called == [
        "restore_secret",
        "create_secret",
        "restore_secret",
        "put_secret_value",
    ]


@pytest.mark.parametrize(
    "failure",
    [
        "ThrottlingException",
        "AccessDeniedException",
        ConnectTimeoutError(endpoint_url="https://secrets.example"),
        ParamValidationError(report=f"invalid value: {CANARY}"),
    ],
)
@pytest.mark.parametrize("operation", ["restore_secret", "put_secret_value"])
def test_a_store_that_fails_says_so_without_the_key(
    operation: str, failure: str | Exception
) -> None:
    store = ProviderKeyStore(Answering(**{operation: [failure]}), PREFIX)

    with pytest.raises(KeyStoreUnavailable) as raised:
        store.put("acme", "dalle", {"api_key": CANARY})

    assert CANARY not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


def test_a_store_in_which_others_never_rest_is_given_up() -> None:
    client = Answering(put_secret_value=["InvalidRequestException"])

    with pytest.raises(KeyStoreUnavailable):
        ProviderKeyStore(client, PREFIX).put("acme", "dalle", {"api_key": CANARY})


def test_a_deletion_that_fails_is_told() -> None:
    client = Answering(delete_secret=["InternalServiceError"])

    with pytest.raises(KeyStoreUnavailable):
        ProviderKeyStore(client, PREFIX).delete("acme", "dalle")
