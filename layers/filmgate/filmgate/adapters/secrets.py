"""Keys of providers: one JSON secret per tenant and provider, read when a call needs it.

Reading and writing are two classes, since one function only may write.
"""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from filmgate.domain.errors import KeyStoreUnavailable, ProviderKeyRefused, ProviderUnavailable

CACHED_S: Final = 300.0
RECOVERY_DAYS: Final = 7  # the fewest that Secrets Manager allows
_ABSENT: Final = "ResourceNotFoundException"
_EXISTS: Final = "ResourceExistsException"
_IN_DELETION: Final = "InvalidRequestException"  # says other things too
_TRIES: Final = 3


class ProviderKeys:
    """Reads the secret <prefix><tenant>/<provider>, and remembers it for minutes."""

    def __init__(
        self, client: Any, prefix: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._prefix = prefix
        self._clock = clock
        self._known: dict[str, tuple[float, Mapping[str, str]]] = {}

    def read(self, tenant: str, provider: str) -> Mapping[str, str]:
        """The key's fields. Raises ProviderKeyRefused when there is none or it is no JSON object
        of texts, ProviderUnavailable when Secrets Manager cannot be read now.
        """
        name = secret_name(self._prefix, tenant, provider)
        read_at, key = self._known.get(name, (-CACHED_S, {}))
        if self._clock() - read_at < CACHED_S:
            return key
        key = _parse(provider, self._fetch(name, provider))
        self._known[name] = (self._clock(), key)
        return key

    def forget(self, tenant: str, provider: str) -> None:
        """Read this key anew the next time: it may have been changed a moment ago."""
        self._known.pop(secret_name(self._prefix, tenant, provider), None)

    def _fetch(self, name: str, provider: str) -> str:
        try:
            found = self._client.get_secret_value(SecretId=name)
        except ClientError as error:
            if _code(error) in (_ABSENT, _IN_DELETION):
                raise ProviderKeyRefused(provider, "has no key stored") from error
            raise ProviderUnavailable(provider, "its key cannot be read now") from error
        except BotoCoreError as error:
            raise ProviderUnavailable(provider, "its key cannot be read now") from error
        secret: str = found.get("SecretString", "")  # a binary secret has none
        return secret


class ProviderKeyStore:
    """Writes the secrets that ProviderKeys reads.

    No error of here has a cause: what the SDK says about a refused argument may quote the key.
    """

    def __init__(self, client: Any, prefix: str) -> None:
        self._client = client
        self._prefix = prefix

    def put(self, tenant: str, provider: str, key: Mapping[str, str]) -> None:
        """Keep this key in place of any other; one that was deleted is restored for that.

        Raises KeyStoreUnavailable, and then the old key or the new one is there.
        """
        name, text = secret_name(self._prefix, tenant, provider), json.dumps(dict(key))
        for _ in range(_TRIES):  # others may create or delete it meanwhile
            # A secret that is not deleted needs no restoring, and any answer but one says so.
            if self._try("restore_secret", SecretId=name) == _ABSENT:
                code = self._try("create_secret", Name=name, SecretString=text)
            else:
                code = self._try("put_secret_value", SecretId=name, SecretString=text)
            if code is None:
                return
        raise _unavailable("others are changing this key")

    def delete(self, tenant: str, provider: str) -> None:
        """Delete the key; one that is not there is a success. Nobody can read it from now on,
        and after RECOVERY_DAYS it is gone for good. Raises KeyStoreUnavailable.
        """
        # A secret without replicas is refused for one reason only: it is deleted already.
        name = secret_name(self._prefix, tenant, provider)
        self._try("delete_secret", SecretId=name, RecoveryWindowInDays=RECOVERY_DAYS)

    def _try(self, operation: str, **arguments: Any) -> str | None:
        """None when it is done, or the code of a refusal that says how the secret stands."""
        try:
            getattr(self._client, operation)(**arguments)
        except ClientError as error:
            if _code(error) not in (_ABSENT, _EXISTS, _IN_DELETION):
                raise _unavailable(_code(error)) from None
            return _code(error)
        except BotoCoreError as error:
            raise _unavailable(type(error).__name__) from None
        return None


def secret_name(prefix: str, tenant: str, provider: str) -> str:
    return f"{prefix}{tenant}/{provider}"


def _code(error: ClientError) -> str:
    code: str = error.response["Error"]["Code"]
    return code


def _unavailable(reason: str) -> KeyStoreUnavailable:
    return KeyStoreUnavailable(f"The store of keys did not take this ({reason}). Try again.")


def _parse(provider: str, secret: str) -> Mapping[str, str]:
    """The fields of a secret; nothing of it ever gets into the error."""
    try:
        fields = json.loads(secret)
    except ValueError:
        fields = None
    if not isinstance(fields, dict) or not all(isinstance(v, str) for v in fields.values()):
        raise ProviderKeyRefused(provider, "its stored key is no JSON object of texts")
    return fields
