"""The owner's settings of providers: reading them, changing them, putting providers in order.

A generation that runs keeps the settings it was admitted with: they are in its chain.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from filmgate.domain.audit import Action, Author, recorded
from filmgate.domain.catalogue import Catalogue, Provider
from filmgate.domain.chain import ProviderSettings
from filmgate.domain.errors import (
    NotFound,
    Stale,
    StateConflict,
    StoreUnavailable,
    ValidationFailed,
    VersionConflict,
)
from filmgate.domain.health import closed
from filmgate.domain.wishes import Media
from filmgate.usecases.ports import ApiUrls, Studio

_TRIES: Final = 8
_UNRECORDED: Final = frozenset({"key_set", "key_hint", "key_shape", "version"})


@dataclass(frozen=True, slots=True)
class Owned:
    """A provider of the catalogue with what the owner has set for it."""

    provider: Provider
    settings: ProviderSettings


def read_settings(provider_id: str, *, tenant: str, studio: Studio, catalogue: Catalogue) -> Owned:
    """One provider's settings; raises NotFound for a provider that the catalogue does not have."""
    provider = find_provider(provider_id, catalogue)
    owned = studio.provider_settings(tenant)
    return Owned(provider, owned.get(provider.id, ProviderSettings()))


def change_settings(
    provider_id: str,
    changes: Mapping[str, Any],
    *,
    tenant: str,
    studio: Studio,
    catalogue: Catalogue,
    check_url: ApiUrls,
    by: Author,
    if_match: frozenset[str] | None = None,
) -> Owned:
    """Change the settings named in `changes`, fields of ProviderSettings, and give all of them.

    A breaker that was open is closed: the change may have mended what had opened it.
    `if_match` has the versions that the caller is ready to change; None means any. Raises
    NotFound, ValidationFailed for a model or an address that the provider cannot have,
    StateConflict for a priority that another provider of the medium has, and VersionConflict.
    """
    provider = find_provider(provider_id, catalogue)
    checked = _checked(provider, changes, check_url)
    owned = amend(
        provider,
        checked,
        tenant=tenant,
        studio=studio,
        catalogue=catalogue,
        by=by,
        if_match=if_match,
    )
    close_breaker(provider, tenant=tenant, studio=studio)
    return owned


def amend(
    provider: Provider,
    changes: Mapping[str, Any],
    *,
    tenant: str,
    studio: Studio,
    catalogue: Catalogue,
    by: Author,
    action: Action = Action.SETTINGS_CHANGED,
    if_match: frozenset[str] | None = None,
) -> Owned:
    """Write changes that were checked; what others change at the same time is kept.

    Settings that stay as they are keep their version, and only a key leaves a record then: it may
    be another one that ends alike. Raises as `change_settings` does, and
    StoreUnavailable when other writers were faster many times over.
    """
    for _ in range(_TRIES):
        owned = studio.provider_settings(tenant)
        before = owned.get(provider.id, ProviderSettings())
        if if_match is not None and str(before.version) not in if_match:
            raise VersionConflict(
                f"The settings of {provider.id} are at version {before.version}; read them again."
            )
        after = replace(before, **changes)
        same = after == before
        if same and action is Action.SETTINGS_CHANGED:
            return Owned(provider, before)
        after = before if same else replace(after, version=before.version + 1)
        seen = {provider.id: before}
        if after.priority != before.priority:
            # All of the medium are guarded: two providers cannot both move to one place.
            seen = _of_medium(provider.media, owned, catalogue)
            _check_place(provider, after, seen, catalogue)
        try:
            studio.change_settings(
                tenant,
                seen=seen,
                new={} if same else {provider.id: after},
                record=recorded(by, action, provider.id, _shown(before), _shown(after)),
            )
        except Stale:
            continue
        return Owned(provider, after)
    raise StoreUnavailable("the settings are being changed by others; try again")


def close_breaker(provider: Provider, *, tenant: str, studio: Studio) -> None:
    """Let the provider be tried again at once; what was observed of it stays.

    When many attempts end at that moment it may stay open: its time is short, and known.
    """
    for _ in range(_TRIES):
        health = studio.health(tenant).get(provider.id)
        if health is None or not (health.open_until or health.failures_in_row):
            return
        try:
            studio.put_health(tenant, provider.id, health, closed(health))
        except Stale:
            continue
        return


def reorder(
    media: Media,
    order: Sequence[str],
    *,
    tenant: str,
    studio: Studio,
    catalogue: Catalogue,
    by: Author,
) -> list[Owned]:
    """Give every provider of a medium its place in `order`, counted from 1, all at once.

    Raises ValidationFailed unless every provider of the medium is named exactly once.
    """
    names = _checked_order(media, order, catalogue)
    for _ in range(_TRIES):
        seen = _of_medium(media, studio.provider_settings(tenant), catalogue)
        placed = {
            name: replace(seen[name], priority=place, version=seen[name].version + 1)
            for place, name in enumerate(names, start=1)
            if seen[name].priority != place
        }
        try:
            if placed:
                was = {"order": _in_order(seen, catalogue)}
                record = recorded(by, Action.ORDER_SET, media, was, {"order": names})
                studio.change_settings(tenant, seen=seen, new=placed, record=record)
        except Stale:
            continue
        now = {**seen, **placed}
        return [Owned(catalogue.providers[name], now[name]) for name in names]
    raise StoreUnavailable("the settings are being changed by others; try again")


def find_provider(provider_id: str, catalogue: Catalogue) -> Provider:
    """The provider with this id or alias; raises NotFound."""
    provider = catalogue.find(provider_id)
    if provider is None:
        known = ", ".join(sorted(catalogue.providers))
        raise NotFound(f"There is no provider with this id; there are {known}.")
    return provider


def _checked(
    provider: Provider, changes: Mapping[str, Any], check_url: ApiUrls
) -> Mapping[str, Any]:
    """The changes with the address in its one form; raises ValidationFailed."""
    checked, faults = dict(changes), []
    models = list(dict.fromkeys(offer.model for offer in provider.offers))
    if changes.get("model") not in (None, *models):
        faults.append(("/model", f"{provider.id} has no such model; it has {', '.join(models)}"))
    if changes.get("api_url") is not None:
        try:
            checked["api_url"] = check_url(provider, changes["api_url"])
        except ValueError as error:
            faults.append(("/api_url", str(error)))
    if faults:
        raise ValidationFailed(faults)
    return checked


def _of_medium(
    media: Media, owned: Mapping[str, ProviderSettings], catalogue: Catalogue
) -> dict[str, ProviderSettings]:
    return {one.id: owned.get(one.id, ProviderSettings()) for one in catalogue.of(media)}


def _in_order(owned: Mapping[str, ProviderSettings], catalogue: Catalogue) -> list[str]:
    """The ids in the order in which they are tried."""
    return sorted(owned, key=lambda name: owned[name].priority_of(catalogue.providers[name]))


def _shown(settings: ProviderSettings) -> dict[str, Any]:
    """What the trail keeps of settings; how a key ends is no part of it."""
    return {
        field.name: getattr(settings, field.name)
        for field in fields(settings)
        if field.name not in _UNRECORDED
    }


def _check_place(
    provider: Provider,
    after: ProviderSettings,
    others: Mapping[str, ProviderSettings],
    catalogue: Catalogue,
) -> None:
    place = after.priority_of(provider)
    for name, settings in others.items():
        if name != provider.id and settings.priority_of(catalogue.providers[name]) == place:
            raise StateConflict(
                f"{name} has the priority {place} already. PUT /v1/settings/order gives all "
                "providers of a medium their places at once.",
                provider=name,
            )


def _checked_order(media: Media, order: Sequence[str], catalogue: Catalogue) -> list[str]:
    """The ids in this order; raises ValidationFailed pointing at every name that is wrong."""
    names: list[str] = []
    faults: list[tuple[str, str]] = []
    for index, name in enumerate(order):
        provider = catalogue.find(name)
        if provider is None or provider.media is not media:
            faults.append((f"/order/{index}", f"is no provider of {media}"))
        elif provider.id in names:
            faults.append((f"/order/{index}", f"names {provider.id} again"))
        else:
            names.append(provider.id)
    missing = [one.id for one in catalogue.of(media) if one.id not in names]
    if missing:
        faults.append(("/order", f"must also name {', '.join(missing)}"))
    if faults:
        raise ValidationFailed(faults)
    return names
