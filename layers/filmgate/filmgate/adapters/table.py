"""The table behind the port Studio: DynamoDB, one guarded transaction for every change of money.

A refused transaction is read back: what carries our own commit id went through, and the call is a
success. Conflicts and throttling are retried with jitter, then the step fails, not the money.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from hmac import compare_digest
from random import random
from typing import Any, Final
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError

from filmgate.adapters import items
from filmgate.adapters.cursors import LIST_KEY, cursor_after, read_cursor
from filmgate.adapters.items import Item, dump, from_wire, load, to_wire
from filmgate.domain.attempts import Attempt
from filmgate.domain.audit import AuditRecord
from filmgate.domain.boards import Head
from filmgate.domain.chain import ProviderSettings
from filmgate.domain.errors import (
    AlreadyExists,
    BudgetMissing,
    DoesNotFit,
    Stale,
    StoreUnavailable,
)
from filmgate.domain.generations import Generation, GenerationState, Record, Take
from filmgate.domain.health import Health
from filmgate.domain.ids import token_id
from filmgate.domain.ledger import (
    OWNER_SCOPE,
    AttemptChange,
    Budget,
    Commit,
    Entry,
    EntryKind,
    Posting,
    PriceDoubt,
    is_new,
)
from filmgate.domain.pace import Flight, Start, flight_step, started
from filmgate.domain.uploads import Upload
from filmgate.domain.usage import differences, status_of
from filmgate.domain.webhooks import Delivery
from filmgate.usecases.ports import BudgetLimit, Ledger, Opened, Page, Token

LIST_INDEX: Final = "ListIndex"
OPEN_INDEX: Final = "OpenIndex"
_TRIES: Final = 12
_REFUSED: Final = "ConditionalCheckFailed"
_IS_NEW: Final = "attribute_not_exists(pk)"


class StudioTable:
    """The port Studio over a DynamoDB client. `name` is the table's."""

    def __init__(
        self,
        client: Any,
        name: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random,
        on_commit: Callable[[Commit], None] = lambda commit: None,
    ) -> None:
        """`on_commit` is told of every commit that went through, after it did."""
        self._on_commit = on_commit
        self._client = client
        self._name = name
        self._sleep = sleep
        self._jitter = jitter

    # --- reading ---------------------------------------------------------------------------

    def find(self, tenant: str, generation_id: str) -> Record | None:
        """A generation with its attempts and takes; one consistent query."""
        found = list(self._query(items.generation_pk(tenant, generation_id)))
        by_kind: dict[str, list[Item]] = {}
        for item in found:
            by_kind.setdefault(item["sk"].partition("#")[0], []).append(item)
        if items.GENERATION not in by_kind:
            return None
        return Record(
            load(Generation, by_kind[items.GENERATION][0]),
            tuple(load(Attempt, item) for item in by_kind.get("attempt", ())),
            tuple(load(Take, item) for item in by_kind.get("take", ())),
            webhook=next((load(Delivery, one) for one in by_kind.get(items.WEBHOOK, ())), None),
        )

    def page(
        self,
        tenant: str,
        *,
        limit: int,
        cursor: str | None,
        state: GenerationState | None,
        project: str | None,
        script_id: str | None,
        provider: str | None,
        user: str | None,
    ) -> Page:
        wanted = {
            "state": state,
            "project": project,
            "script_id": script_id,
            "provider": provider,
            "user": user,
        }
        query = _list_query(tenant, {name: want for name, want in wanted.items() if want})
        found, following = self._listed_page(
            {"IndexName": LIST_INDEX, **query},
            f"{tenant}#{items.GENERATIONS}",
            LIST_KEY,
            cursor=cursor,
            limit=limit,
        )
        return Page([load(Generation, item) for item in found], following)

    def upload(self, tenant: str, upload_id: str) -> Upload | None:
        item = self._get(items.upload_key(tenant, upload_id))
        return None if item is None else load(Upload, item)

    def budget(self, tenant: str, scope: str, period: str) -> Budget | None:
        item = self._get(items.budget_key(tenant, scope, period))
        return None if item is None else items.load_budget(item)

    def limit_of(self, tenant: str, scope: str) -> BudgetLimit | None:
        item = self._get({"pk": items.limits_pk(tenant), "sk": scope})
        return None if item is None else load(BudgetLimit, item)

    def provider_settings(self, tenant: str) -> Mapping[str, ProviderSettings]:
        settings: dict[str, ProviderSettings] = {}
        doubted: dict[str, set[str]] = {}
        for item in self._query(items.settings_pk(tenant)):
            kind, _, name = item["sk"].partition("#")
            if kind == "provider":
                settings[name] = load(ProviderSettings, item)
                continue
            doubt = load(PriceDoubt, item)
            if doubt.confirmed_by is None:
                doubted.setdefault(doubt.provider, set()).add(doubt.price)
        for name, prices in doubted.items():
            known = settings.get(name, ProviderSettings())
            settings[name] = replace(known, doubted_prices=frozenset(prices))
        return settings

    def health(self, tenant: str) -> Mapping[str, Health]:
        found = self._query(items.health_pk(tenant))
        return {item["sk"]: load(Health, item) for item in found}

    def flight(self, tenant: str, user: str) -> Flight:
        item = self._get(items.pace_key(tenant, user))
        return Flight() if item is None else load(Flight, item)

    def token(self, tenant: str, token_hash: str) -> Token | None:
        item = self._get(items.token_key(tenant, token_id(token_hash)))
        if item is None or not compare_digest(item["sha256"], token_hash):
            return None
        return load(Token, item)

    def opened(self, *, before: datetime) -> Sequence[Opened]:
        found: dict[tuple[str, str], Opened] = {}
        for item in self._pages(
            "query",
            IndexName=OPEN_INDEX,
            KeyConditionExpression="open_pk = :open AND open_sk < :before",
            ExpressionAttributeValues=to_wire({":open": items.OPEN, ":before": before.isoformat()}),
        ):
            tenant, _, generation_id = item["pk"].partition("#generation#")
            since = datetime.fromisoformat(item["open_sk"].partition("#")[0])
            found.setdefault((tenant, generation_id), Opened(tenant, generation_id, since))
        return list(found.values())

    def ledger(self, tenant: str) -> Ledger:
        budgets, entries, attempts = [], [], []
        for item in self._scan("begins_with(pk, :own)", {":own": f"{tenant}#"}):
            match item["sk"].partition("#")[0]:
                case "shard" | "budget":
                    budgets.append(items.load_budget(item))
                case "entry":
                    entries.append(load(Entry, item))
                case "attempt":
                    attempts.append(load(Attempt, item))
        return Ledger(budgets, entries, attempts)

    def tenants(self) -> Sequence[str]:
        budgets = self._scan(
            "sk = :shard AND #scope = :owner",
            {":shard": "shard#0", ":owner": OWNER_SCOPE},
            names={"#scope": "scope"},
        )
        return sorted({item["pk"].partition("#")[0] for item in budgets})

    # --- writing ---------------------------------------------------------------------------

    def commit(self, tenant: str, commit: Commit) -> None:
        """Write all of it or nothing; see the port for what is raised."""
        try:
            self._write(tenant, commit)
        except _OtherForm:
            if commit.otherwise is None:
                raise ValueError("a commit without another form asks for it") from None
            self.commit(tenant, commit.otherwise)

    def _write(self, tenant: str, commit: Commit) -> None:
        commit_id = uuid4().hex
        actions = list(_actions(tenant, commit, commit_id))
        for attempt in range(_TRIES):
            try:
                refused = self._transact([action.wire(self._name) for action in actions])
            except _AnswerLost:
                refused = []
            if refused is None or self._went_through(actions, commit_id):
                self._on_commit(commit)
                return
            self._explain(tenant, commit, actions, refused)
            self._sleep(self._jitter() * min(1.0, 0.02 * 2**attempt))
        raise StoreUnavailable("the table was in conflict or throttled too often")

    def open_budget(self, tenant: str, budget: Budget) -> None:
        # Registered before it is opened: a crash between the two leaves a name without a budget,
        # which a reader passes over, and never a budget that no list shows.
        self._put_new({"pk": items.scopes_pk(tenant, budget.period), "sk": budget.scope})
        key = items.budget_key(tenant, budget.scope, budget.period)
        self._put_new({**key, **items.dump_budget(budget)})

    def set_limit(
        self,
        tenant: str,
        *,
        scope: str,
        before: BudgetLimit | None,
        after: BudgetLimit,
        budget: Budget,
        at: datetime,
        record: AuditRecord | None = None,
    ) -> None:
        key = items.budget_key(tenant, scope, budget.period)
        limit = {"pk": items.limits_pk(tenant), "sk": scope, **dump(after)}
        entry = {
            "pk": key["pk"],
            "sk": f"limit#{after.version:05d}",
            "kind": EntryKind.LIMIT,
            "limit": after.limit,
            "at": at.isoformat(),
        }
        guard = {"#version = :version": {"version": before.version}} if before else None
        actions: list[_Action] = [
            _Put(limit, guard),
            _Put(entry, None),
            _Update(
                key,
                "SET #limit = :limit, #bounded = :bounded, #room = #room + :more, "
                "#alert_at = :alert_at ADD #version :one",
                "#limit = :known",
                {
                    "limit": after.limit,
                    "bounded": after.limit is not None,
                    "more": (after.limit or 0) - (budget.limit or 0),
                    "alert_at": list(after.alert_at),
                    "one": 1,
                    "known": budget.limit,
                },
                ("limit", "bounded", "room", "alert_at", "version"),
            ),
            *_audited(tenant, record),
        ]
        if self._transact([action.wire(self._name) for action in actions]) is not None:
            raise Stale(f"the limit of {scope} was changed by another")

    def change_settings(
        self,
        tenant: str,
        *,
        seen: Mapping[str, ProviderSettings],
        new: Mapping[str, ProviderSettings],
        record: AuditRecord | None = None,
    ) -> None:
        """Write `new` if `seen` is what the table has; see the port for what is raised."""
        actions: list[_Action] = [*_audited(tenant, record)]
        for provider, before in seen.items():
            key = {"pk": items.settings_pk(tenant), "sk": f"provider#{provider}"}
            # Version 0 is what holds before anything is set, so no item may say a version.
            guard: Guard = {"attribute_not_exists(#version)": {"version": None}}
            if before.version:
                guard = {"#version = :version": {"version": before.version}}
            after = new.get(provider)
            actions.append(_Put({**key, **_kept(after)}, guard) if after else _Check(key, guard))
        if self._transact([action.wire(self._name) for action in actions]) is not None:
            raise Stale("the settings were changed by another")

    def confirm_prices(self, tenant: str, provider: str, *, by: str) -> Sequence[PriceDoubt]:
        confirmed = []
        prefix = items.price_sk(provider)
        for item in self._query(items.settings_pk(tenant)):
            if not item["sk"].startswith(prefix):
                continue
            doubt = load(PriceDoubt, item)
            if doubt.confirmed_by is None:
                key = {"pk": item["pk"], "sk": item["sk"]}
                seen = {"#attempt_id = :attempt_id": {"attempt_id": doubt.attempt_id}}
                after = _Put({**key, **dump(replace(doubt, confirmed_by=by))}, seen)
                if self._transact([after.wire(self._name)]) is None:
                    confirmed.append(doubt)
        return confirmed

    def keep_record(self, tenant: str, record: AuditRecord) -> None:
        """Keep a record of a change that lies outside the table; a repeat of it is a success."""
        actions = _audited(tenant, record)
        self._transact([action.wire(self._name) for action in actions])

    def put_health(self, tenant: str, provider: str, before: Health | None, after: Health) -> None:
        item = {"pk": items.health_pk(tenant), "sk": provider, **dump(after)}
        guard = {"#version = :version": {"version": before.version}} if before else None
        if self._transact([_Put(item, guard).wire(self._name)]) is not None:
            raise Stale(f"the figures of {provider} were changed by another")

    # --- inside ----------------------------------------------------------------------------

    def _went_through(self, actions: list["_Action"], commit_id: str) -> bool:
        """Whether an earlier sending of this very commit was carried out: the SDK may resend."""
        guarded = next((a for a in actions if isinstance(a, _Put)), None)
        if guarded is None:
            return False
        item = self._get({"pk": guarded.item["pk"], "sk": guarded.item["sk"]})
        return item is not None and item.get("commit_id") == commit_id

    def _explain(
        self, tenant: str, commit: Commit, actions: list["_Action"], refused: list[bool]
    ) -> None:
        """Raise what a refusal means; come back when it was a conflict that may be repeated."""
        culprits = [action for action, no in zip(actions, refused, strict=False) if no]
        for action in culprits:  # the guards come first: they say more than a lack of room
            if isinstance(action, _Put):
                new = is_new(commit)
                raise AlreadyExists(action.item["pk"]) if new else Stale(action.item["sk"])
            if isinstance(action, _FlightUpdate):
                action.explain(self.flight(tenant, action.user))
            elif action.posting is not None:
                self._explain_posting(tenant, action.posting, commit.otherwise is not None)

    def _explain_posting(self, tenant: str, posting: Posting, has_other_form: bool) -> None:
        budget = self.budget(tenant, posting.scope, posting.period)
        if budget is None:
            raise BudgetMissing(posting.scope, posting.period)
        if posting.closed is not None and budget.closed is not posting.closed:
            if has_other_form:
                raise _OtherForm(posting.scope)
            raise DoesNotFit(posting.scope, needed=-posting.room, room=0)
        if budget.lacks_room_for(-posting.room):
            raise DoesNotFit(posting.scope, needed=-posting.room, room=budget.room)

    def _transact(self, writes: list[dict[str, Any]]) -> list[bool] | None:
        """None when it went through; else which writes were refused (none: only a conflict).

        Raises _AnswerLost when nobody can say, StoreUnavailable when the table refuses as such.
        """
        try:
            self._client.transact_write_items(TransactItems=writes)
        except ClientError as error:
            if error.response["Error"]["Code"] != "TransactionCanceledException":
                return self._unless_fatal(error, len(writes))
            reasons = error.response.get("CancellationReasons", [])
            return [reason.get("Code") == _REFUSED for reason in reasons]
        except BotoCoreError as error:
            raise _AnswerLost(type(error).__name__) from error
        return None

    def _unless_fatal(self, error: ClientError, count: int) -> list[bool]:
        if error.response["Error"]["Code"] in _BUSY:
            return [False] * count
        raise StoreUnavailable(error.response["Error"]["Code"]) from error

    def _put_new(self, item: Item) -> None:
        """_Put an item unless one is there already."""
        try:
            self._client.put_item(
                TableName=self._name, Item=to_wire(item), ConditionExpression=_IS_NEW
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise StoreUnavailable(error.response["Error"]["Code"]) from error
        except BotoCoreError as error:
            raise StoreUnavailable(type(error).__name__) from error

    def _get(self, key: Mapping[str, str]) -> Item | None:
        answer = self._call("get_item", Key=to_wire(key), ConsistentRead=True)
        return from_wire(answer["Item"]) if "Item" in answer else None

    def _query(self, pk: str) -> Iterator[Item]:
        return self._pages(
            "query",
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=to_wire({":pk": pk}),
            ConsistentRead=True,
        )

    def _listed_page(
        self,
        query: Mapping[str, Any],
        partition: str,
        names: tuple[str, ...],
        *,
        cursor: str | None,
        limit: int,
    ) -> tuple[list[Item], str | None]:
        """The next `limit` items of a query over a partition, and the cursor behind them.

        `names` are the attributes of its key. Raises ValueError for a bad cursor.
        """
        found: list[Item] = []
        for item in self._walk(query, read_cursor(cursor, partition, names)):
            if len(found) == limit:
                return found, cursor_after(found[-1], partition, names)
            found.append(item)
        return found, None

    def _walk(self, query: Mapping[str, Any], start: Item | None) -> Iterator[Item]:
        """Every item of a query, read page by page as they are asked for."""
        place = {"ExclusiveStartKey": to_wire(start)} if start else {}
        return self._pages("query", **query, **place)

    def _scan(
        self,
        condition: str,
        values: Mapping[str, Any],
        *,
        names: Mapping[str, str] | None = None,
    ) -> Iterator[Item]:
        return self._pages(
            "scan",
            FilterExpression=condition,
            ExpressionAttributeValues=to_wire(values),
            ConsistentRead=True,
            **({"ExpressionAttributeNames": dict(names)} if names else {}),
        )

    def _pages(self, operation: str, **arguments: Any) -> Iterator[Item]:
        """The items of every page of a query or scan."""
        while True:
            answer = self._call(operation, **arguments)
            yield from map(from_wire, answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _call(self, operation: str, **arguments: Any) -> Any:
        """One call about our table; raises StoreUnavailable for whatever goes wrong."""
        return self._called(operation, TableName=self._name, **arguments)

    def _called(self, operation: str, **arguments: Any) -> Any:
        try:
            return getattr(self._client, operation)(**arguments)
        except ClientError as error:
            raise StoreUnavailable(error.response["Error"]["Code"]) from error
        except BotoCoreError as error:
            raise StoreUnavailable(type(error).__name__) from error


class _OtherForm(Exception):
    """The envelope is closed: the commit's other form is the one to write."""


class _AnswerLost(StoreUnavailable):
    """A transaction was sent and no answer came: read back whether it went through."""


_BUSY: Final = frozenset(
    {
        "InternalServerError",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        "TransactionInProgressException",
    }
)


Guard = Mapping[str, Mapping[str, Any]]
"""One condition with the values of its attributes; None for one that it only names."""


def _guarded(guard: Guard) -> dict[str, Any]:
    """A guard as the arguments of a write."""
    arguments: dict[str, Any] = {}
    for condition, values in guard.items():
        arguments["ConditionExpression"] = condition
        arguments["ExpressionAttributeNames"] = {f"#{name}": name for name in values}
        wanted = {f":{name}": value for name, value in values.items() if value is not None}
        if wanted:
            arguments["ExpressionAttributeValues"] = to_wire(wanted)
    return arguments


ANYTHING: Final[Guard] = {}


def _kept(settings: ProviderSettings) -> Item:
    """Settings as they are stored: what is in doubt has items of its own."""
    return {name: part for name, part in dump(settings).items() if name != "doubted_prices"}


class _Put:
    """A put of a whole item: new, or guarded by what the item must still say.

    A guard of None means that the item must not exist, ANYTHING that it is put over whatever is.
    """

    def __init__(self, item: Item, guard: Guard | None) -> None:
        self.item = item
        self._guard = guard

    def wire(self, table: str) -> dict[str, Any]:
        put: dict[str, Any] = {"TableName": table, "Item": to_wire(self.item)}
        guard = {"ConditionExpression": _IS_NEW} if self._guard is None else _guarded(self._guard)
        return {"Put": {**put, **guard}}


class _Check:
    """Writes nothing; the transaction is refused unless the item still meets the guard."""

    posting = None

    def __init__(self, key: Mapping[str, str], guard: Guard) -> None:
        self._key = key
        self._guard = guard

    def wire(self, table: str) -> dict[str, Any]:
        check = {"TableName": table, "Key": to_wire(self._key), **_guarded(self._guard)}
        return {"ConditionCheck": check}


class _Update:
    """An update of an item that must exist and meet `condition`."""

    def __init__(
        self,
        key: Mapping[str, str],
        expression: str,
        condition: str | None,
        values: Mapping[str, Any],
        names: tuple[str, ...],
        posting: Posting | None = None,
    ) -> None:
        self._key = key
        self._expression = expression
        self._condition = condition
        self._values = values
        self._names = names
        self.posting = posting

    def wire(self, table: str) -> dict[str, Any]:
        exists = "attribute_exists(pk)"
        return {
            "Update": {
                "TableName": table,
                "Key": to_wire(self._key),
                "UpdateExpression": self._expression,
                "ConditionExpression": (
                    f"{exists} AND {self._condition}" if self._condition else exists
                ),
                "ExpressionAttributeNames": {f"#{name}": name for name in self._names},
                "ExpressionAttributeValues": to_wire(
                    {f":{name}": value for name, value in self._values.items()}
                ),
            }
        }


class _FlightUpdate:
    """A user's number in flight, one more or one less; `start` bounds it and takes a token.

    How the bucket's moment moves depends on whether the bucket is full. At first it is taken to be,
    since most users come after a rest; a refusal tells how it stands, for the next try.
    """

    posting = None

    def __init__(self, tenant: str, user: str, step: int, start: Start | None) -> None:
        self._tenant = tenant
        self.user = user
        self._step = step
        self._start = start
        self._known = Flight()

    def wire(self, table: str) -> dict[str, Any]:
        key = items.pace_key(self._tenant, self.user)
        return {"Update": {"TableName": table, "Key": to_wire(key), **self._change()}}

    def explain(self, flight: Flight) -> None:
        """Raise why a start was refused, or learn how its user stands."""
        if self._start is not None:
            started(flight, self._start)
            self._known = flight

    def _change(self) -> dict[str, Any]:
        if self._start is None:
            return {
                "UpdateExpression": "ADD in_flight :step",
                "ExpressionAttributeValues": to_wire({":step": self._step}),
            }
        start, token_us = self._start, self._start.pace.token_us
        values = {":step": self._step, ":cap": start.pace.in_flight, ":now": start.at_us}
        if self._known.paced_until_us > start.at_us:
            move = "paced_until_us + :token"
            bucket = "paced_until_us > :now AND paced_until_us <= :latest"
            values |= {":token": token_us, ":latest": start.latest_us}
        else:
            move = ":until"
            bucket = "(attribute_not_exists(paced_until_us) OR paced_until_us <= :now)"
            values |= {":until": start.at_us + token_us}
        return {
            "UpdateExpression": f"SET paced_until_us = {move} ADD in_flight :step",
            "ConditionExpression": (
                f"(attribute_not_exists(in_flight) OR in_flight < :cap) AND {bucket}"
            ),
            "ExpressionAttributeValues": to_wire(values),
        }


_Action = _Put | _Check | _Update | _FlightUpdate


def _audited(tenant: str, record: AuditRecord | None) -> Iterator[_Put]:
    """The record of a change, for its transaction; the same request may write it again."""
    if record is not None:
        own = {"pk": None, "request_id": record.request_id}
        guard = {"attribute_not_exists(#pk) OR #request_id = :request_id": own}
        yield _Put(items.audit_item(tenant, record), guard)


def _actions(tenant: str, commit: Commit, commit_id: str) -> Iterator[_Action]:
    """The writes of a commit, those that guard it first."""
    stamp = {"commit_id": commit_id}
    if commit.generation is not None:
        before, after = commit.generation.before, commit.generation.after
        guard = None if before is None else {"#version = :version": {"version": before.version}}
        yield _Put(_generation_item(after) | stamp, guard)
    yield from _board_puts(tenant, commit, stamp)
    if commit.attempt is not None:
        yield from _attempt_puts(tenant, commit.attempt, stamp)
    for entry in commit.entries:
        pk = items.entry_pk(tenant, entry.generation_id)
        yield _Put({"pk": pk, "sk": f"entry#{entry.id}", **dump(entry), **stamp}, None)
    for budget in commit.opened:
        key = items.budget_key(tenant, budget.scope, budget.period)
        yield _Put({**key, **items.dump_budget(budget), **stamp}, None)
    if commit.take is not None:
        pk = items.generation_pk(tenant, commit.take.generation_id)
        yield _Put({"pk": pk, "sk": f"take#{commit.take.id}", **dump(commit.take), **stamp}, None)
    if commit.price_doubt is not None:
        doubt = commit.price_doubt
        place = {"pk": items.settings_pk(tenant), "sk": items.price_sk(doubt.provider, doubt.price)}
        yield _Put({**place, **dump(doubt), **stamp}, ANYTHING)
    for posting in commit.postings:
        yield _posting_update(tenant, posting)
    if commit.generation is not None:
        before, after = commit.generation.before, commit.generation.after
        step = flight_step(before, after)
        if step:  # last, so that what stands against it otherwise is told first
            yield _FlightUpdate(tenant, after.user, step, commit.start)


def _generation_item(generation: Generation) -> Item:
    return {
        "pk": items.generation_pk(generation.tenant, generation.id),
        "sk": items.GENERATION,
        **items.list_keys(
            generation.tenant, items.GENERATIONS, generation.created_at, generation.id
        ),
        **({} if generation.is_terminal else items.open_keys(generation.created_at, generation.id)),
        **dump(generation),
    }


def _board_puts(tenant: str, commit: Commit, stamp: Mapping[str, str]) -> Iterator[_Put]:
    """The head of a storyboard, and its envelope where it is closed."""
    if commit.head is not None:
        known, head = commit.head.before, commit.head.after
        guard = None if known is None else {"#version = :version": {"version": known.version}}
        yield _Put({**_head_item(head), **stamp}, guard)
    if commit.envelope is not None:
        was, closed = commit.envelope.before, commit.envelope.after
        key = items.budget_key(tenant, closed.scope, closed.period)
        version: Guard = {"#version = :version": {"version": was.version}}
        yield _Put({**key, **items.dump_budget(closed), **stamp}, version)


def _head_item(head: Head) -> Item:
    begun = head.created_at
    return {
        "pk": items.storyboard_pk(head.tenant, head.id),
        "sk": items.STORYBOARD,
        "list_pk": f"{head.tenant}#storyboards",
        "list_sk": f"{begun.isoformat()}#{head.id}",
        **({} if head.has_ended else items.open_keys(begun, head.id, items.OPEN_STORYBOARDS)),
        **dump(head),
    }


def _attempt_puts(tenant: str, change: AttemptChange, stamp: Mapping[str, str]) -> Iterator[_Put]:
    """The attempt, and its copy among the discrepancies while it is or was one."""
    before, after = change.before, change.after
    yield _attempt_put(tenant, before, after, stamp)
    if differences(after) or (before is not None and differences(before)):
        yield _Put(_discrepancy_item(tenant, after), ANYTHING)


def _attempt_put(
    tenant: str, before: Attempt | None, after: Attempt, stamp: Mapping[str, str]
) -> _Put:
    """The attempt as it now is, guarded by the state and version that it had."""
    pk = items.generation_pk(tenant, after.generation_id)
    item = {
        "pk": pk,
        "sk": items.attempt_sk(after.index),
        **items.list_keys(tenant, items.USAGE, after.started_at, after.id),
        "status": status_of(after),
        **dump(after),
        **stamp,
    }
    if after.is_open:
        item |= items.open_keys(after.started_at, after.generation_id)
    if before is None:
        return _Put(item, None)
    guard = {"state": before.state.value, "version": before.version}
    return _Put(item, {"#state = :state AND #version = :version": guard})


def _discrepancy_item(tenant: str, attempt: Attempt) -> Item:
    """A copy of an attempt for the list of what came otherwise than ordered.

    One whose difference a correction took away leaves the list.
    """
    place = items.list_keys(tenant, items.DISCREPANCIES, attempt.started_at, attempt.id)
    return {
        "pk": items.generation_pk(tenant, attempt.generation_id),
        "sk": f"discrepancy#{attempt.index:02d}",
        **(place if differences(attempt) else {}),
        "status": status_of(attempt),
        **dump(attempt),
    }


def _posting_update(tenant: str, posting: Posting) -> _Update:
    tally = {f"{items.TALLY}{name}": amount for name, amount in posting.tally.items()}
    counters = "".join(f", #{name} :{name}" for name in tally)
    conditions, names = [], ["room", "held", "settled", "version", *tally]
    values: dict[str, Any] = {
        "room": posting.room,
        "held": posting.held,
        "settled": posting.settled,
        "one": 1,
        **tally,
    }
    if posting.needs_room:
        conditions.append("(#bounded = :unbounded OR #room >= :needed)")
        names.append("bounded")
        values |= {"needed": -posting.room, "unbounded": False}
    if posting.closed is not None:
        conditions.append("#closed = :closed")
        names.append("closed")
        values |= {"closed": posting.closed}
    return _Update(
        items.budget_key(tenant, posting.scope, posting.period),
        "SET #room = #room + :room, #held = #held + :held, #settled = #settled + :settled "
        f"ADD #version :one{counters}",
        " AND ".join(conditions) or None,
        values,
        tuple(names),
        posting,
    )


def _list_query(tenant: str, wanted: Mapping[str, str]) -> dict[str, Any]:
    """Newest first, with a filter for whatever is wanted."""
    values = {
        ":pk": f"{tenant}#{items.GENERATIONS}",
        **{f":{n}": str(w) for n, w in wanted.items()},
    }
    query: dict[str, Any] = {
        "KeyConditionExpression": "list_pk = :pk",
        "ExpressionAttributeValues": to_wire(values),
        "ScanIndexForward": False,
    }
    if wanted:
        query["FilterExpression"] = " AND ".join(f"#{name} = :{name}" for name in wanted)
        query["ExpressionAttributeNames"] = {f"#{name}": name for name in wanted}
    return query
