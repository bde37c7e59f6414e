"""What webhooks are signed with: one JSON secret per tenant, below a prefix of its own.

The prefix is not that of providers' keys, so that who delivers webhooks reads no key, and who
calls providers no signing secret. Nothing is remembered between two reads: a rotation holds from
the next try on. No error of here has a cause: what the SDK says may quote the secret.
"""

import hashlib
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import TypeAdapter, ValidationError

from filmgate.domain.errors import ConfigurationError, KeyStoreUnavailable, Stale
from filmgate.domain.webhooks import SigningSecrets

_ABSENT: Final = "ResourceNotFoundException"
_EXISTS: Final = "ResourceExistsException"


class WebhookSecrets:
    """The ports ReadableSecrets and SigningSecretStore over Secrets Manager."""

    def __init__(self, client: Any, prefix: str) -> None:
        self._client = client
        self._prefix = prefix
        self._adapter = TypeAdapter(SigningSecrets)

    def read(self, tenant: str) -> SigningSecrets | None:
        return self.read_version(tenant)[0]

    def read_version(self, tenant: str) -> tuple[SigningSecrets | None, str | None]:
        try:
            found = self._client.get_secret_value(SecretId=self._name(tenant))
        except ClientError as error:
            if _code(error) == _ABSENT:
                return None, None
            raise _unavailable(_code(error)) from None
        except BotoCoreError as error:
            raise _unavailable(type(error).__name__) from None
        try:
            secrets = self._adapter.validate_json(found["SecretString"])
        except (KeyError, ValidationError):
            raise ConfigurationError("a webhook secret is unreadable") from None
        return secrets, found["VersionId"]

    def replace(self, tenant: str, secrets: SigningSecrets, *, version: str | None) -> None:
        """Secrets Manager has no conditional write, but a version never changes once it is there.

        So the new version's id follows from the old one's: of two who replace the same version,
        the second finds the id taken by other contents (PutSecretValue, ClientRequestToken;
        docs.aws.amazon.com/secretsmanager/latest/apireference).
        """
        text = self._adapter.dump_json(secrets).decode()
        try:
            if version is None:
                self._client.create_secret(Name=self._name(tenant), SecretString=text)
            else:
                self._client.put_secret_value(
                    SecretId=self._name(tenant),
                    SecretString=text,
                    ClientRequestToken=hashlib.sha256(version.encode()).hexdigest(),
                )
        except ClientError as error:
            if _code(error) == _EXISTS:
                raise Stale("the webhook secret was changed by another") from None
            raise _unavailable(_code(error)) from None
        except BotoCoreError as error:
            raise _unavailable(type(error).__name__) from None

    def _name(self, tenant: str) -> str:
        return f"{self._prefix}{tenant}"


def _code(error: ClientError) -> str:
    code: str = error.response["Error"]["Code"]
    return code


def _unavailable(reason: str) -> KeyStoreUnavailable:
    return KeyStoreUnavailable(f"The store of secrets does not answer ({reason}). Try again.")
