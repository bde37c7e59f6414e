"""What the use cases need from outside, as protocols. wiring.py knows who fulfils them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from filmgate.domain.alarms import Notice
from filmgate.domain.catalogue import Provider
from filmgate.domain.chain import ProviderSettings
from filmgate.domain.changes import Change
from filmgate.domain.generations import Generation, GenerationState, Link, Record
from filmgate.domain.health import Health
from filmgate.domain.ledger import Budget, Commit
from filmgate.domain.money import Micros
from filmgate.providers.base import Adapter

Clock = Callable[[], datetime]
"""The time now, aware and in UTC."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking: told by the token alone, never by the request."""

    tenant: str
    user: str
    role: str


@dataclass(frozen=True, slots=True)
class Token:
    """What the table knows of an API token; the token itself is stored nowhere."""

    principal: Principal
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class BudgetLimit:
    """What an owner has set for a scope, for every month to come."""

    limit: Micros
    alert_at: tuple[int, ...]
    version: int


@dataclass(frozen=True, slots=True)
class Page:
    """Some generations, newest first, and the cursor of the next page (None at the end)."""

    items: Sequence[Generation]
    next: str | None


class Studio(Protocol):
    """The table: the one truth about generations, attempts, takes, budgets and settings."""

    def find(self, tenant: str, generation_id: str) -> Record | None:
        """A generation with all that belongs to it, read consistently."""

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
        """A page of a tenant's generations; raises ValueError for a cursor that is none."""

    def commit(self, tenant: str, commit: Commit) -> None:
        """Write all of it or nothing. A repeat of a commit that went through is a success.

        Raises Stale, AlreadyExists, BudgetMissing, DoesNotFit or StoreUnavailable.
        """

    def budget(self, tenant: str, scope: str, period: str) -> Budget | None:
        """The budget of a scope and period; None when it is not open yet."""

    def open_budget(self, tenant: str, budget: Budget) -> None:
        """Open a period's budget by a guarded put; one that is open stays as it is."""

    def limit_of(self, tenant: str, scope: str) -> BudgetLimit | None:
        """What was set for a scope; None when nothing was."""

    def set_limit(
        self,
        tenant: str,
        *,
        scope: str,
        before: BudgetLimit | None,
        after: BudgetLimit,
        budget: Budget,
        at: datetime,
    ) -> None:
        """Set a scope's limit and move this period's room with it, in one transaction.

        Raises Stale when `before` or `budget` is not what the table has.
        """

    def provider_settings(self, tenant: str) -> Mapping[str, ProviderSettings]:
        """The owner's settings by provider id; providers without any are absent."""

    def change_settings(
        self,
        tenant: str,
        *,
        seen: Mapping[str, ProviderSettings],
        new: Mapping[str, ProviderSettings],
    ) -> None:
        """Write `new`, whose providers are all among `seen`, in one transaction.

        Raises Stale when any of `seen` is not what the table has, by its version, and then
        nothing is written; StoreUnavailable.
        """

    def health(self, tenant: str) -> Mapping[str, Health]:
        """How the tenant's providers have behaved, by provider id; unused ones are absent."""

    def put_health(self, tenant: str, provider: str, before: Health | None, after: Health) -> None:
        """Write a provider's figures; raises Stale when `before` is not what the table has."""

    def token(self, tenant: str, token_hash: str) -> Token | None:
        """The token with this SHA-256; None when there is none."""


class Workflow(Protocol):
    """The state machine."""

    def start(self, tenant: str, generation_id: str) -> None:
        """Start the one execution of a generation; one that runs already is a success."""


class Takes(Protocol):
    """The take bucket."""

    def put(self, key: str, data: bytes, media_type: str) -> None:
        """Keep these bytes; the same bytes again are a success."""

    def put_file(self, key: str, path: Path, media_type: str) -> None:
        """Keep this file; the same file again is a success."""

    def get(self, key: str) -> bytes:
        """The bytes under a key."""

    def find(self, prefix: str) -> str | None:
        """The first key that begins so; None when there is none."""

    def link(self, key: str, *, filename: str, expires_s: int) -> str:
        """A presigned link to one object, as an attachment."""


class Adapters(Protocol):
    """Makes the adapter of a provider for one attempt."""

    def __call__(self, tenant: str, link: Link) -> Adapter:
        """Reads the key now; raises ProviderKeyRefused when there is none."""


class FreshAdapters(Protocol):
    """Makes the adapter of a provider as its settings now are, with the key as it now is."""

    def __call__(self, tenant: str, provider: str, api_url: str | None) -> Adapter:
        """Reads the key past every cache; raises ProviderKeyRefused when there is none."""


class Keys(Protocol):
    """The store of providers' keys, as far as it is written."""

    def put(self, tenant: str, provider: str, key: Mapping[str, str]) -> None:
        """Keep this key in place of any other; raises KeyStoreUnavailable."""

    def delete(self, tenant: str, provider: str) -> None:
        """Delete the key; none is a success. Raises KeyStoreUnavailable."""


class ApiUrls(Protocol):
    """Knows where an owner may send a provider's calls."""

    def __call__(self, provider: Provider, url: str) -> str:
        """The address in its one form; raises ValueError with a public reason."""


@dataclass(frozen=True, slots=True)
class NoticePage:
    """Some notices, newest first, and the cursor of the next page (None at the end)."""

    items: Sequence[Notice]
    next: str | None


class NoticeLog(Protocol):
    """What the owner was told, with a mark per notice that makes it one."""

    def claim(self, notice: Notice, *, now: datetime, until: datetime) -> str | None:
        """Take the telling of a notice until a time, and keep the notice itself.

        Gives the claim's name, or None when it was told or is being told by another. A claim that
        has run out is taken over. Raises StoreUnavailable.
        """

    def told(self, notice: Notice, *, claim: str) -> None:
        """Mark a notice as told; raises StoreUnavailable."""

    def untold(self, now: datetime) -> Sequence[Notice]:
        """The notices, of every tenant, whose claim has run out before they were told."""

    def watched_since(self, tenant: str, scope: str, period: str, now: datetime) -> datetime:
        """When this was first asked of a budget; the first time, that is now."""

    def open_budgets(self, tenant: str, period: str) -> Sequence[Budget]:
        """A month's budgets: the owner's, and those of every scope that has a limit set."""

    def page(self, tenant: str, *, limit: int, cursor: str | None, user: str | None) -> NoticePage:
        """A page of a tenant's notices, of one user's only if told so.

        Raises ValueError for a cursor that is none.
        """


class Topic(Protocol):
    """Where the owner is told."""

    def publish(self, notice: Notice) -> None:
        """Send a notice to all who subscribe; raises TopicUnavailable."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Records of the stream that a function could not take: where they are, not what they say.

    `first` and `last` are sequence numbers in the shard; `receipt` lets the letter be thrown away.
    """

    receipt: str
    stream: str
    shard: str
    first: str
    last: str


class DeadLetters(Protocol):
    """The dead-letter queue of the stream."""

    def receive(self) -> Sequence[DeadLetter]:
        """Some letters, hidden from others for a while; raises DeadLettersUnavailable."""

    def throw_away(self, letter: DeadLetter) -> None:
        """A letter that was dealt with; raises DeadLettersUnavailable."""


@dataclass(frozen=True, slots=True)
class Reread:
    """What a dead letter pointed to, and how many of its records still cannot be read."""

    changes: Sequence[Change]
    unreadable: int


class Stream(Protocol):
    """The table's stream, read again."""

    def read(self, letter: DeadLetter) -> Reread:
        """The records that a letter points to; raises RecordsGone or StoreUnavailable."""
