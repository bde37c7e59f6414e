"""Keys of the one table, and the way between the domain's classes and its items.

Everything starts with the tenant. What belongs to a generation shares its partition, so one query
reads it whole:

    <tenant>#generation#<id>        generation | attempt#00 | take#... | entry#... | budget
                                    | webhook | discrepancy#00
    <tenant>#storyboard#<id>        storyboard | shot#<key>#0000001 | group#... | budget#<run>
                                    | entry#... | webhook#<run>
    <tenant>#budget#<scope>#<month> shard#0 | limit#00001
    <tenant>#scopes#<month>         <scope>: the scopes whose budgets of this month were opened
    <tenant>#limits                 <scope>
    <tenant>#settings               provider#<id> | price#<provider>#<price in doubt>
    <tenant>#health                 <provider id>
    <tenant>#user#<user>            pace
    <tenant>#audit                  <moment>#<id>
    <tenant>#token#<id>             token; listed under <tenant>#tokens
    <tenant>#claim#<id>             claim
    <tenant>#quote#<id>             quote; the table deletes it by its `delete_after`
    <tenant>#repeat#<id>            repeat
    <tenant>#upload#<id>            upload
    <tenant>#notices                <time>#<notice id>
    <tenant>#alarm#<notice id>      mark
    <tenant>#watch#<scope>#<month>  forecast

Shards of a hot budget are foreseen in its sort key; today there is one. What has not come to its
end (a generation, an attempt) also has open_pk and open_sk, and so stands in a small index.
Generations, attempts and discrepancies have list_pk and list_sk, by tenant and time, and so stand
in the lists. A discrepancy is a copy of its attempt, written with it, in a list of its own.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, TypeVar

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from pydantic import TypeAdapter, ValidationError

from filmgate.domain.audit import AuditRecord
from filmgate.domain.errors import ConfigurationError
from filmgate.domain.ledger import NO_PERIOD, Budget, is_envelope

Item = dict[str, Any]
T = TypeVar("T")

GENERATION: Final = "generation"
STORYBOARD: Final = "storyboard"
OPEN: Final = "open"
DELETE_AFTER: Final = "delete_after"  # of the table's own clock, in seconds
OPEN_STORYBOARDS: Final = "open storyboards"
KEY_ATTRIBUTES: Final = frozenset(
    {"pk", "sk", "list_pk", "list_sk", "open_pk", "open_sk", "commit_id", "status", "delete_after"}
)
GENERATIONS: Final = "generations"
USAGE: Final = "usage"
DISCREPANCIES: Final = "discrepancies"
TALLY: Final = "tally_"
# A budget's room and whether it is bounded follow from the rest: they are for the guards.
GUARDS_OF_BUDGETS: Final = frozenset({"room", "bounded"})
WEBHOOK: Final = "webhook"

_serialize: Callable[[Any], Any] = TypeSerializer().serialize
_deserialize: Callable[[Any], Any] = TypeDeserializer().deserialize


def generation_pk(tenant: str, generation_id: str) -> str:
    return f"{tenant}#generation#{generation_id}"


def storyboard_pk(tenant: str, storyboard_id: str) -> str:
    return f"{tenant}#storyboard#{storyboard_id}"


def entry_pk(tenant: str, owner: str) -> str:
    """Where an entry lies: beside the generation that it is of, or beside the storyboard."""
    of_storyboard = owner.startswith("sb_")
    return storyboard_pk(tenant, owner) if of_storyboard else generation_pk(tenant, owner)


def attempt_sk(index: int) -> str:
    return f"attempt#{index:02d}"


def budget_key(tenant: str, scope: str, period: str) -> dict[str, str]:
    """Where a budget lies: a generation's own and the envelopes of a storyboard beside it, all
    others in a partition per month."""
    if is_envelope(scope):
        storyboard_id, _, run = scope.partition(":")[2].rpartition(".")
        return {"pk": storyboard_pk(tenant, storyboard_id), "sk": f"budget#{run}"}
    if period == NO_PERIOD:
        return {"pk": generation_pk(tenant, scope.partition(":")[2]), "sk": "budget"}
    return {"pk": f"{tenant}#budget#{scope}#{period}", "sk": "shard#0"}


def scopes_pk(tenant: str, period: str) -> str:
    return f"{tenant}#scopes#{period}"


def list_keys(tenant: str, name: str, at: datetime, identifier: str) -> dict[str, str]:
    """Where an item stands in one of its tenant's lists, by time."""
    return {"list_pk": f"{tenant}#{name}", "list_sk": f"{at.isoformat()}#{identifier}"}


def open_keys(since: datetime, name: str, among: str = OPEN) -> dict[str, str]:
    """Where an item stands among those that have not come to their end, oldest first."""
    return {"open_pk": among, "open_sk": f"{since.isoformat()}#{name}"}


def price_sk(provider: str, price: str = "") -> str:
    return f"price#{provider}#{price}"


def limits_pk(tenant: str) -> str:
    return f"{tenant}#limits"


def settings_pk(tenant: str) -> str:
    return f"{tenant}#settings"


def health_pk(tenant: str) -> str:
    return f"{tenant}#health"


def token_key(tenant: str, token_id: str) -> dict[str, str]:
    return {"pk": f"{tenant}#token#{token_id}", "sk": "token"}


def claim_key(tenant: str, claim_id: str) -> dict[str, str]:
    return {"pk": f"{tenant}#claim#{claim_id}", "sk": "claim"}


def quote_key(tenant: str, quote_id: str) -> dict[str, str]:
    return {"pk": f"{tenant}#quote#{quote_id}", "sk": "quote"}


def repeat_key(tenant: str, claim_id: str) -> dict[str, str]:
    return {"pk": f"{tenant}#repeat#{claim_id}", "sk": "repeat"}


def upload_key(tenant: str, upload_id: str) -> dict[str, str]:
    return {"pk": f"{tenant}#upload#{upload_id}", "sk": "upload"}


def pace_key(tenant: str, user: str) -> dict[str, str]:
    return {"pk": f"{tenant}#user#{user}", "sk": "pace"}


def audit_pk(tenant: str) -> str:
    return f"{tenant}#audit"


def audit_item(tenant: str, record: AuditRecord) -> Item:
    """A record of the trail; the later it was written, the higher its sort key."""
    at = record.at.astimezone(UTC).isoformat(timespec="microseconds")
    return {"pk": audit_pk(tenant), "sk": f"{at}#{record.id}", **dump(record)}


def dump(value: object) -> Item:
    """The attributes of a dataclass, in JSON types."""
    kind: type[Any] = type(value)
    plain: Item = _adapter(kind).dump_python(value, mode="json")
    return plain


def load(kind: type[T], item: Mapping[str, Any]) -> T:
    """Read a dataclass out of an item.

    Raises ConfigurationError for a foreign shape; it names the fields and repeats none of them.
    """
    fields = {name: part for name, part in item.items() if name not in KEY_ATTRIBUTES}
    try:
        loaded: T = _adapter(kind).validate_python(fields)
    except ValidationError as error:
        wrong = sorted({str(fault["loc"][0]) for fault in error.errors() if fault["loc"]})
        told = f"an item of the table is no {kind.__name__}: {', '.join(wrong)}"
        raise ConfigurationError(told) from None
    return loaded


def load_budget(item: Mapping[str, Any]) -> Budget:
    tally = {
        name.removeprefix(TALLY): part for name, part in item.items() if name.startswith(TALLY)
    }
    apart = {*GUARDS_OF_BUDGETS, *(f"{TALLY}{name}" for name in tally)}
    kept = {name: part for name, part in item.items() if name not in apart}
    return load(Budget, {**kept, "tally": tally})


def dump_budget(budget: Budget) -> Item:
    plain = dump(budget)
    counters = {f"{TALLY}{name}": amount for name, amount in plain.pop("tally").items()}
    return {**plain, **counters, "room": budget.room, "bounded": budget.limit is not None}


def to_wire(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item in DynamoDB's typed JSON."""
    return {name: _serialize(part) for name, part in item.items()}


def from_wire(item: Mapping[str, Any]) -> Item:
    """An item out of DynamoDB's typed JSON; numbers are integers, as everything stored is."""
    return {name: _plain(_deserialize(part)) for name, part in item.items()}


def _plain(value: Any) -> Any:
    match value:
        case Decimal():
            return int(value)
        case dict():
            return {name: _plain(part) for name, part in value.items()}
        case list():
            return [_plain(part) for part in value]
    return value


_adapters: dict[type[Any], TypeAdapter[Any]] = {}


def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    """The reader and writer of a class, made once: building one costs milliseconds."""
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]
