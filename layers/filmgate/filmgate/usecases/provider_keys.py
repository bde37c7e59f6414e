"""Keys of providers: storing one, deleting it, and asking its provider whether it is good.

A key goes into the store of keys and nowhere else: what the settings keep of it is that it is
there, and how it ends.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from filmgate.domain.audit import Action, Author
from filmgate.domain.catalogue import Catalogue, Provider
from filmgate.domain.errors import (
    ProviderError,
    ProviderKeyRefused,
    ProviderNotReached,
    ProviderOutcomeUnknown,
    ProviderProtocolError,
    ProviderQuotaExhausted,
    ProviderThrottled,
    ProviderUnavailable,
    ProviderUnsupported,
    ValidationFailed,
)
from filmgate.usecases.ports import FreshAdapters, Keys, Studio
from filmgate.usecases.provider_settings import (
    amend,
    close_breaker,
    find_provider,
    read_settings,
)

CHECK_DEADLINE_S: Final = 10.0
LARGEST_KEY_BYTES: Final = 4096
HINT_LENGTH: Final = 4
SHORTEST_HINTED: Final = 12  # of a shorter key, four characters would tell too much

Key = str | Mapping[str, str]
"""As callers send it: a text where the provider takes a single field, or all fields by name."""

_WORDS: Final[Mapping[type[ProviderError], str]] = {
    ProviderKeyRefused: "key refused",
    ProviderQuotaExhausted: "no credit",
    ProviderThrottled: "too many requests",
    ProviderUnavailable: "provider unavailable",
    ProviderNotReached: "unreachable",
    ProviderOutcomeUnknown: "unreachable",
    ProviderProtocolError: "unreadable answer",
    ProviderUnsupported: "cannot be tested",
}


@dataclass(frozen=True, slots=True)
class KeyCheck:
    """What a free call to the provider showed: one word or two, and a public sentence."""

    ok: bool
    detail: str
    message: str | None = None


def set_key(
    provider_id: str,
    key: Key,
    *,
    tenant: str,
    studio: Studio,
    catalogue: Catalogue,
    keys: Keys,
    by: Author,
) -> None:
    """Store a provider's key, say in the settings that it is set, and close its breaker.

    The secret comes first. A crash between the two leaves the new key in the store and the old
    word in the settings: a provider that had no key stays out of every chain, one that had a key
    works with the new one under the old hint. The same call again mends both, and writes the record
    of the change, which comes with the settings.
    Raises NotFound, ValidationFailed without a piece of the key, KeyStoreUnavailable.
    """
    provider = find_provider(provider_id, catalogue)
    fields = _fields(provider, key)
    keys.put(tenant, provider.id, fields)
    hint = _hint(next(iter(fields.values())))
    changes = {"key_set": True, "key_hint": hint, "key_shape": tuple(fields)}
    amend(
        provider,
        changes,
        tenant=tenant,
        studio=studio,
        catalogue=catalogue,
        by=by,
        action=Action.KEY_SET,
    )
    close_breaker(provider, tenant=tenant, studio=studio)


def remove_key(
    provider_id: str,
    *,
    tenant: str,
    studio: Studio,
    catalogue: Catalogue,
    keys: Keys,
    by: Author,
) -> None:
    """Delete a provider's key; one that was never there is a success.

    The secret comes first, so an answer always means that it is gone. A crash between the two
    leaves a provider that says it has a key: it is tried, found without one before anything is
    sent, and passed over. The same call again mends that. A job that runs at the provider cannot
    be looked at any more; its money stays held.
    Raises NotFound, KeyStoreUnavailable.
    """
    provider = find_provider(provider_id, catalogue)
    keys.delete(tenant, provider.id)
    changes = {"key_set": False, "key_hint": None, "key_shape": ()}
    amend(
        provider,
        changes,
        tenant=tenant,
        studio=studio,
        catalogue=catalogue,
        by=by,
        action=Action.KEY_REMOVED,
    )


def check_key(
    provider_id: str,
    *,
    tenant: str,
    studio: Studio,
    catalogue: Catalogue,
    adapters: FreshAdapters,
) -> KeyCheck:
    """Ask the provider something free with the stored key. Raises NotFound, and nothing for what
    the provider says."""
    owned = read_settings(provider_id, tenant=tenant, studio=studio, catalogue=catalogue)
    provider, settings = owned.provider, owned.settings
    if not provider.built:
        return KeyCheck(False, "cannot be tested", "its adapter is not built yet")
    if provider.needs_key and not settings.key_set:
        return KeyCheck(False, "no key", "has no key stored")
    try:
        adapter = adapters(tenant, provider.id, settings.api_url)
    except ProviderKeyRefused as error:
        return KeyCheck(False, "no key", error.message)
    except ProviderError as error:
        return _failed(error)
    try:
        adapter.check(deadline_s=CHECK_DEADLINE_S)
    except ProviderError as error:
        return _failed(error)
    return KeyCheck(True, "ok")


def _failed(error: ProviderError) -> KeyCheck:
    return KeyCheck(False, _WORDS.get(type(error), error.code), error.message)


def _fields(provider: Provider, key: Key) -> dict[str, str]:
    """The key as the fields of one of the provider's shapes, in that shape's order.

    Raises ValidationFailed; it names fields of the catalogue only, since a caller may have put
    the key itself where a name belongs.
    """
    if not provider.key_fields:
        raise ValidationFailed([("/key", f"{provider.id} takes no key")])
    for shape in provider.key_fields:
        given = {shape[0]: key} if isinstance(key, str) and len(shape) == 1 else key
        if not isinstance(given, str) and set(given) == set(shape):
            break
    else:
        raise ValidationFailed([("/key", f"must be {_told(provider)}")])
    whole = isinstance(key, str)
    faults = [
        ("/key" if whole else f"/key/{name}", "must be visible ASCII characters without spaces")
        for name in shape
        if not _usable(given[name])
    ]
    if len(json.dumps(dict(given))) > LARGEST_KEY_BYTES:
        faults.append(("/key", f"must have at most {LARGEST_KEY_BYTES} bytes"))
    if faults:
        raise ValidationFailed(faults)
    return {name: given[name] for name in shape}


def _told(provider: Provider) -> str:
    """The shapes that a provider's key may have, in words."""
    told = [
        "a text" if len(shape) == 1 else f"an object with {' and '.join(shape)}"
        for shape in provider.key_fields
    ]
    return " or ".join(told)


def _usable(text: object) -> bool:
    return (
        isinstance(text, str)
        and bool(text)
        and text.isascii()
        and text.isprintable()
        and " " not in text
    )


def _hint(text: str) -> str | None:
    """How a key ends, if it is long enough for that to give nothing away."""
    return text[-HINT_LENGTH:] if len(text) >= SHORTEST_HINTED else None
