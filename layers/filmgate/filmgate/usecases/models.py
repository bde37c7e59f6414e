"""Names that a request may ask for: `auto`, strategies, providers, and the vendors' own models."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from filmgate.domain.catalogue import Catalogue, Provider
from filmgate.domain.chain import ProviderSettings, on_sale
from filmgate.domain.errors import ModelNotFound, Retired, ValidationFailed
from filmgate.domain.pricing import RateCard
from filmgate.domain.strategies import Strategy
from filmgate.domain.wishes import AUTO, Media
from filmgate.usecases.ports import Studio

OURS: Final = "filmgate"


@dataclass(frozen=True, slots=True)
class Model:
    """Something to ask for: whose it is, and the day on which its vendor will end it."""

    id: str
    owner: str
    ends_on: date | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """What a model's name stands for: a provider, perhaps one model of it, or a strategy."""

    provider: str = AUTO
    model: str | None = None
    strategy: Strategy | None = None


def list_models(
    *, tenant: str, studio: Studio, catalogue: Catalogue, card: RateCard, now: datetime
) -> Sequence[Model]:
    """What can be asked for now: names of ours first, then every provider with its models."""
    settings = studio.provider_settings(tenant)
    found = [Model(name, OURS) for name in (AUTO, *Strategy)]
    for provider in catalogue.providers.values():
        owned = settings.get(provider.id, ProviderSettings())
        names = on_sale(provider, owned, card, now.date())
        if names:
            found.append(Model(provider.id, OURS))
            found += [Model(name, provider.id, provider.ended_on(name)) for name in names]
    return found


def find_model(
    name: str, *, tenant: str, studio: Studio, catalogue: Catalogue, card: RateCard, now: datetime
) -> Model:
    """One of them; raises ModelNotFound, and Retired for one that its vendor has ended."""
    listed = list_models(tenant=tenant, studio=studio, catalogue=catalogue, card=card, now=now)
    found = next((model for model in listed if model.id == name), None)
    if found is None:
        maker = catalogue.find(name) or catalogue.maker_of(name)
        if maker is not None:
            settings = studio.provider_settings(tenant).get(maker.id, ProviderSettings())
            _refuse_ended(name, maker, settings, now.date())
        raise _not_found(name)
    return found


def choose(
    name: str | None,
    media: Media,
    *,
    tenant: str,
    studio: Studio,
    catalogue: Catalogue,
    today: date,
) -> Choice:
    """What a request for this medium means by the name of a model; None is `auto`.

    Raises ModelNotFound, Retired, or ValidationFailed at /model for one of another medium. One
    that is known and not sold now is chosen all the same: pricing says why it cannot be had.
    """
    if name is None or name == AUTO:
        return Choice()
    if name in set(Strategy):
        return Choice(strategy=Strategy(name))
    provider = catalogue.find(name)
    maker = provider or catalogue.maker_of(name)
    if maker is None:
        raise _not_found(name)
    if maker.media is not media:
        raise ValidationFailed([("/model", f"{name} makes {maker.media} only")])
    settings = studio.provider_settings(tenant).get(maker.id, ProviderSettings())
    _refuse_ended(name, maker, settings, today)
    return Choice(maker.id, None if provider is not None else name)


def _refuse_ended(name: str, maker: Provider, settings: ProviderSettings, today: date) -> None:
    """Raise Retired, with what to ask for instead, for what its vendor has ended.

    At a host of the owner's a retired provider lives on, and a model if the owner names it.
    """
    gone, ended = maker.retired, maker.ended_on(name)
    if gone is not None and gone.since <= today and settings.api_url is None:
        raise _retired(name, gone.since, gone.replacement)
    lives_on = settings.api_url is not None and settings.model == name
    if ended is not None and ended <= today and not lives_on:
        instead = (
            offer.model
            for offer in maker.offers
            if offer.retires_on is None or offer.retires_on > today
        )
        raise _retired(name, ended, next(instead, None))


def _retired(name: str, since: date, replacement: str | None) -> Retired:
    instead = f" Use {replacement} instead." if replacement else ""
    return Retired(
        f"{name} was retired by its vendor on {since}.{instead}", replacement=replacement
    )


def _not_found(name: str) -> ModelNotFound:
    return ModelNotFound(
        f"The model {name} does not exist here. GET /v1/models lists those that do."
    )
