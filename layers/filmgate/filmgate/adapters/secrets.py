"""Keys of providers: one JSON secret per tenant and provider, read when a call needs it."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from filmgate.domain.errors import ProviderKeyRefused, ProviderUnavailable

CACHED_S: Final = 300.0


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
        name = f"{self._prefix}{tenant}/{provider}"
        read_at, key = self._known.get(name, (-CACHED_S, {}))
        if self._clock() - read_at < CACHED_S:
            return key
        key = _parse(provider, self._fetch(name, provider))
        self._known[name] = (self._clock(), key)
        return key

    def _fetch(self, name: str, provider: str) -> str:
        try:
            found = self._client.get_secret_value(SecretId=name)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                raise ProviderKeyRefused(provider, "has no key stored") from error
            raise ProviderUnavailable(provider, "its key cannot be read now") from error
        except BotoCoreError as error:
            raise ProviderUnavailable(provider, "its key cannot be read now") from error
        secret: str = found.get("SecretString", "")  # a binary secret has none
        return secret


def _parse(provider: str, secret: str) -> Mapping[str, str]:
    """The fields of a secret; nothing of it ever gets into the error."""
    try:
        fields = json.loads(secret)
    except ValueError:
        fields = None
    if not isinstance(fields, dict) or not all(isinstance(v, str) for v in fields.values()):
        raise ProviderKeyRefused(provider, "its stored key is no JSON object of texts")
    return fields
