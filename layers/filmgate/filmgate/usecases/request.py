"""From what a caller sent to a plan: the part that estimating and generating share."""

from dataclasses import dataclass
from datetime import datetime

from filmgate.domain.catalogue import Catalogue, Provider
from filmgate.domain.chain import (
    ANYBODY,
    OnRefusal,
    OnUnknown,
    Plan,
    Preference,
    make_plan,
    preferring,
    retirements_of,
    warnings_of,
    within,
)
from filmgate.domain.errors import (
    CostLimitExceeded,
    NoCapableProvider,
    Retired,
    ValidationFailed,
)
from filmgate.domain.money import Micros, format_usd
from filmgate.domain.pricing import RateCard
from filmgate.domain.strategies import Strategy
from filmgate.domain.wishes import AUTO, Wish
from filmgate.usecases.ports import Studio


@dataclass(frozen=True, slots=True)
class Request:
    """A validated request for one generation or its price.

    `model` is None where any model of the provider will do; `on_refusal` and `on_unknown` are None
    where the owner's settings shall decide.
    """

    wish: Wish
    provider: str = AUTO
    strategy: Strategy = Strategy.PRIORITY
    cost_limit: Micros | None = None
    on_refusal: OnRefusal | None = None
    on_unknown: OnUnknown | None = None
    project: str | None = None
    script_id: str | None = None
    shot_number: int | None = None
    tags: tuple[str, ...] = ()
    webhook_url: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Priced:
    """A plan that can be bought: at least one provider is eligible."""

    plan: Plan
    expected: Micros
    max: Micros
    warnings: tuple[str, ...]


def priced(
    request: Request,
    *,
    tenant: str,
    cost_limit: Micros | None,
    studio: Studio,
    catalogue: Catalogue,
    card: RateCard,
    now: datetime,
    preference: Preference = ANYBODY,
) -> Priced:
    """Price the chain of a request, with a preference among its providers where there is one.

    Raises ValidationFailed for a provider that does not exist, NoCapableProvider (or Retired)
    when none can make it, CostLimitExceeded when it could be made but not for that little.
    """
    _check_provider(request, catalogue)
    plan = make_plan(
        request.wish,
        provider=request.provider,
        strategy=request.strategy,
        on_refusal=request.on_refusal,
        on_unknown=request.on_unknown,
        catalogue=catalogue,
        card=card,
        settings=studio.provider_settings(tenant),
        health=studio.health(tenant),
        now=now,
        model=request.model,
    )
    plan = preferring(plan, preference)
    if not plan.eligible:
        raise _nobody_can(request, plan, catalogue)
    affordable = plan if cost_limit is None else within(plan, cost_limit)
    expected, worst = affordable.expected, affordable.worst_case(cost_limit)
    if expected is None or worst is None:
        raise _too_dear(plan, cost_limit or 0)
    warnings = (
        *warnings_of(affordable, request.wish),
        *retirements_of(affordable, now.date()),
    )
    return Priced(affordable, expected, worst, warnings)


def _check_provider(request: Request, catalogue: Catalogue) -> None:
    if request.provider == AUTO:
        return
    provider = catalogue.find(request.provider)
    if provider is None:
        known = ", ".join(sorted(catalogue.providers))
        raise ValidationFailed([("/provider", f"unknown provider; known are {known}, auto")])
    if provider.media is not request.wish.type:
        raise NoCapableProvider(f"{provider.id} makes {provider.media} only.", provider=provider.id)


def _nobody_can(request: Request, plan: Plan, catalogue: Catalogue) -> Exception:
    provider = None if request.provider == AUTO else catalogue.find(request.provider)
    reasons = {
        entry.provider.id: entry.exclusion.message for entry in plan.entries if entry.exclusion
    }
    if provider is not None and _is_retired(provider, plan):
        gone = provider.retired
        return Retired(
            f"{provider.id}: {reasons[provider.id]}.",
            replacement=gone.replacement if gone else None,
        )
    told = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
    return NoCapableProvider(f"{told}.", reasons=reasons)


def _is_retired(provider: Provider, plan: Plan) -> bool:
    exclusion = plan.entries[0].exclusion
    return provider.retired is not None and exclusion is not None and exclusion.code == "retired"


def _too_dear(plan: Plan, cost_limit: Micros) -> CostLimitExceeded:
    cheapest = min(entry.cost for entry in plan.eligible if entry.cost is not None)
    return CostLimitExceeded(
        f"The cheapest provider costs {format_usd(cheapest)} USD; "
        f"the cost limit is {format_usd(cost_limit)}.",
        scope="generation",
        needed=format_usd(cheapest),
        room=format_usd(cost_limit),
    )
