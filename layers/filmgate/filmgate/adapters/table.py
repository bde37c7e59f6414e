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

from filmgate.adapters import items
from filmgate.adapters.cursors import LIST_KEY
from filmgate.adapters.items import Item, dump, load, to_wire
from filmgate.adapters.one_table import (
    OPEN_INDEX,
    AnswerLost,
    OneTable,
    Path,
    filtered,
    newest_first,
)
from filmgate.adapters.transactions import ANYTHING, Action, Check, Guard, Put, Update, audited
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
from filmgate.domain.generations import TERMINAL, Generation, GenerationState, Record, Take
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
    flight_change,
    is_new,
    next_period,
)
from filmgate.domain.pace import Counted, Flight, Start, started
from filmgate.domain.uploads import Upload
from filmgate.domain.usage import differences, status_of
from filmgate.domain.webhooks import Delivery
from filmgate.usecases.ports import BudgetLimit, Ledger, Opened, Page, Paid, Token

_TRIES: Final = 12


class StudioTable(OneTable):
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
        super().__init__(client, name, sleep=sleep, jitter=jitter)
        self._on_commit = on_commit

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
        wanted: dict[Path, str | None] = {
            ("state",): state,
            ("project",): project,
            ("script_id",): script_id,
            ("provider",): provider,
            ("user",): user,
        }
        partition = f"{tenant}#{items.GENERATIONS}"
        found, following = self._listed_page(
            filtered(newest_first(partition), wanted),
            partition,
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
        budgets, entries, attempts, paid = [], [], [], []
        for item in self._scan("begins_with(pk, :own)", {":own": f"{tenant}#"}):
            match item["sk"].partition("#")[0]:
                case "shard" | "budget":
                    budgets.append(items.load_budget(item))
                case "entry":
                    entries.append(load(Entry, item))
                case "attempt":
                    attempts.append(load(Attempt, item))
                case items.GENERATION if item["state"] in TERMINAL:
                    paid.append(Paid(item["id"], item["actual_micros"] or 0, item["version"]))
        return Ledger(budgets, entries, attempts, paid)

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
                refused = self._transact(actions)
            except AnswerLost:
                refused = []
            if refused is None or self._went_through(actions, commit_id):
                self._on_commit(commit)
                return
            self._explain(tenant, commit, actions, refused)
            self._pause(attempt)
        raise StoreUnavailable("the table was in conflict or throttled too often")

    def open_budget(self, tenant: str, budget: Budget, *, seen: BudgetLimit | None = None) -> None:
        # Registered before it is opened: a crash between the two leaves a name without a budget,
        # which a reader passes over, and never a budget that no list shows.
        self._put_new({"pk": items.scopes_pk(tenant, budget.period), "sk": budget.scope})
        key = items.budget_key(tenant, budget.scope, budget.period)
        limit = {"pk": items.limits_pk(tenant), "sk": budget.scope}
        same: Guard = {"attribute_not_exists(#version)": {"version": None}}
        if seen is not None:
            same = {"#version = :version": {"version": seen.version}}
        actions: list[Action] = [
            Put({**key, **items.dump_budget(budget)}, None),
            Check(limit, same),
        ]
        for attempt in range(_TRIES):
            refused = self._transact(actions)
            if refused is None or refused[0]:
                return
            if refused[1]:
                raise Stale(f"the limit of {budget.scope} was changed by another")
            self._pause(attempt)
        raise StoreUnavailable("the table was in conflict or throttled too often")

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
        actions: list[Action] = [
            Put(limit, guard),
            Put(entry, None),
            Update(
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
            # A month that has begun meanwhile began under the limit before this one.
            Check(
                items.budget_key(tenant, scope, next_period(budget.period)),
                {"attribute_not_exists(#pk)": {"pk": None}},
            ),
            *audited(tenant, record),
        ]
        if self._transact(actions) is not None:
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
        actions: list[Action] = [*audited(tenant, record)]
        for provider, before in seen.items():
            key = {"pk": items.settings_pk(tenant), "sk": f"provider#{provider}"}
            # Version 0 is what holds before anything is set, so no item may say a version.
            guard: Guard = {"attribute_not_exists(#version)": {"version": None}}
            if before.version:
                guard = {"#version = :version": {"version": before.version}}
            after = new.get(provider)
            actions.append(Put({**key, **_kept(after)}, guard) if after else Check(key, guard))
        if self._transact(actions) is not None:
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
                after = Put({**key, **dump(replace(doubt, confirmed_by=by))}, seen)
                if self._transact([after]) is None:
                    confirmed.append(doubt)
        return confirmed

    def keep_record(self, tenant: str, record: AuditRecord) -> None:
        """Keep a record of a change that lies outside the table; a repeat of it is a success."""
        self._transact(list(audited(tenant, record)))

    def put_health(self, tenant: str, provider: str, before: Health | None, after: Health) -> None:
        item = {"pk": items.health_pk(tenant), "sk": provider, **dump(after)}
        guard = {"#version = :version": {"version": before.version}} if before else None
        if self._transact([Put(item, guard)]) is not None:
            raise Stale(f"the figures of {provider} were changed by another")

    # --- inside ----------------------------------------------------------------------------

    def _went_through(self, actions: list[Action], commit_id: str) -> bool:
        """Whether an earlier sending of this very commit was carried out: the SDK may resend."""
        guarded = next((a for a in actions if isinstance(a, Put)), None)
        if guarded is None:
            return False
        item = self._get({"pk": guarded.item["pk"], "sk": guarded.item["sk"]})
        return item is not None and item.get("commit_id") == commit_id

    def _explain(
        self, tenant: str, commit: Commit, actions: list[Action], refused: list[bool]
    ) -> None:
        """Raise what a refusal means; come back when it was a conflict that may be repeated."""
        culprits = [action for action, no in zip(actions, refused, strict=False) if no]
        for action in culprits:  # the guards come first: they say more than a lack of room
            if isinstance(action, Put):
                new = is_new(commit)
                raise AlreadyExists(action.item["pk"]) if new else Stale(action.item["sk"])
            if isinstance(action, _FlightUpdate):
                action.explain(self.flight(tenant, action.user))
            elif isinstance(action, _PostingUpdate):
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


class _OtherForm(Exception):
    """The envelope is closed: the commit's other form is the one to write."""


def _kept(settings: ProviderSettings) -> Item:
    """Settings as they are stored: what is in doubt has items of its own."""
    return {name: part for name, part in dump(settings).items() if name != "doubted_prices"}


class _PostingUpdate(Update):
    """The change of one budget, refused where it lacks the room or is closed otherwise."""

    def __init__(self, tenant: str, posting: Posting) -> None:
        self.posting = posting
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
        super().__init__(
            items.budget_key(tenant, posting.scope, posting.period),
            "SET #room = #room + :room, #held = #held + :held, #settled = #settled + :settled "
            f"ADD #version :one{counters}",
            " AND ".join(conditions) or None,
            values,
            tuple(names),
        )


class _FlightUpdate:
    """A user's number of something in flight, one more or one less; `start` bounds it and takes a
    token.

    How the bucket's moment moves depends on whether the bucket is full. At first it is taken to be,
    since most users come after a rest; a refusal tells how it stands, for the next try.
    """

    def __init__(self, tenant: str, user: str, of: Counted, step: int, start: Start | None) -> None:
        self._tenant = tenant
        self.user = user
        self._of = of
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
                "UpdateExpression": f"ADD {self._of} :step",
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
            "UpdateExpression": f"SET paced_until_us = {move} ADD {self._of} :step",
            "ConditionExpression": (
                f"(attribute_not_exists({self._of}) OR {self._of} < :cap) AND {bucket}"
            ),
            "ExpressionAttributeValues": to_wire(values),
        }


def _actions(tenant: str, commit: Commit, commit_id: str) -> Iterator[Action]:
    """The writes of a commit, those that guard it first."""
    stamp = {"commit_id": commit_id}
    if commit.generation is not None:
        before, after = commit.generation.before, commit.generation.after
        guard = None if before is None else {"#version = :version": {"version": before.version}}
        yield Put(_generation_item(after) | stamp, guard)
    yield from _board_puts(tenant, commit, stamp)
    if commit.attempt is not None:
        yield from attempt_puts(tenant, commit.attempt, stamp)
    for entry in commit.entries:
        pk = items.entry_pk(tenant, entry.generation_id)
        yield Put({"pk": pk, "sk": f"entry#{entry.id}", **dump(entry), **stamp}, None)
    for budget in commit.opened:
        key = items.budget_key(tenant, budget.scope, budget.period)
        yield Put({**key, **items.dump_budget(budget), **stamp}, None)
    if commit.take is not None:
        pk = items.generation_pk(tenant, commit.take.generation_id)
        yield Put({"pk": pk, "sk": f"take#{commit.take.id}", **dump(commit.take), **stamp}, None)
    if commit.price_doubt is not None:
        doubt = commit.price_doubt
        place = {"pk": items.settings_pk(tenant), "sk": items.price_sk(doubt.provider, doubt.price)}
        yield Put({**place, **dump(doubt), **stamp}, ANYTHING)
    for posting in commit.postings:
        yield _PostingUpdate(tenant, posting)
    change = flight_change(commit)
    if change is not None:  # last, so that what stands against it otherwise is told first
        yield _FlightUpdate(tenant, *change, commit.start)


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


def _board_puts(tenant: str, commit: Commit, stamp: Mapping[str, str]) -> Iterator[Put]:
    """The head of a storyboard, and its envelope where it is closed."""
    if commit.head is not None:
        known, head = commit.head.before, commit.head.after
        guard = None if known is None else {"#version = :version": {"version": known.version}}
        yield Put({**_head_item(head), **stamp}, guard)
    if commit.envelope is not None:
        was, closed = commit.envelope.before, commit.envelope.after
        key = items.budget_key(tenant, closed.scope, closed.period)
        version: Guard = {"#version = :version": {"version": was.version}}
        yield Put({**key, **items.dump_budget(closed), **stamp}, version)


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


def attempt_puts(tenant: str, change: AttemptChange, stamp: Mapping[str, str]) -> Iterator[Put]:
    """The attempt, and its copy among the discrepancies while it is or was one."""
    before, after = change.before, change.after
    yield _attempt_put(tenant, before, after, stamp)
    if differences(after) or (before is not None and differences(before)):
        yield Put(_discrepancy_item(tenant, after), ANYTHING)


def _attempt_put(
    tenant: str, before: Attempt | None, after: Attempt, stamp: Mapping[str, str]
) -> Put:
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
        return Put(item, None)
    guard = {"state": before.state.value, "version": before.version}
    return Put(item, {"#state = :state AND #version = :version": guard})


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
