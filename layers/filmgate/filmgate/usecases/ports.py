"""What the use cases need from outside, as protocols. wiring.py knows who fulfils them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

from filmgate.domain.alarms import Notice
from filmgate.domain.attempts import Attempt
from filmgate.domain.audit import Action, AuditRecord
from filmgate.domain.catalogue import Provider
from filmgate.domain.chain import ProviderSettings
from filmgate.domain.changes import Change
from filmgate.domain.generations import Generation, GenerationState, Link, Record
from filmgate.domain.health import Health
from filmgate.domain.ledger import Budget, Commit, Entry, PriceDoubt
from filmgate.domain.money import Micros
from filmgate.domain.uploads import Upload
from filmgate.domain.usage import Status
from filmgate.domain.wishes import Media
from filmgate.providers.base import Adapter

Clock = Callable[[], datetime]
"""The time now, aware and in UTC."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking: told by the token alone, never by the request."""

    tenant: str
    user: str
    role: str
    token_id: str = ""


@dataclass(frozen=True, slots=True)
class Token:
    """What the table knows of an API token; the token itself is stored nowhere.

    Its id is its principal's `token_id`; `hint` is how the token ends.
    """

    principal: Principal
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    created_at: datetime | None = None
    created_by: str = ""
    revoked_by: str = ""
    note: str = ""
    hint: str = ""
    version: int = 1

    def works(self, now: datetime) -> bool:
        expired = self.expires_at is not None and self.expires_at <= now
        return self.revoked_at is None and not expired


@dataclass(frozen=True, slots=True)
class Claim:
    """What an Idempotency-Key has made: the token, and the request that asked for it."""

    id: str
    token_id: str
    request_hash: str


@dataclass(frozen=True, slots=True)
class BudgetLimit:
    """What an owner has set for a scope, for every month to come; None: no limit of its own."""

    limit: Micros | None
    alert_at: tuple[int, ...]
    version: int


@dataclass(frozen=True, slots=True)
class Opened:
    """A generation, or an attempt of it, that has not come to its end, and since when."""

    tenant: str
    generation_id: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Paid:
    """What a generation that has ended says it cost."""

    generation_id: str
    actual_micros: Micros
    version: int


@dataclass(frozen=True, slots=True)
class Ledger:
    """Everything the table has of one tenant's money: budgets, entries, attempts by generation,
    and what its ended generations say they cost."""

    budgets: Sequence[Budget]
    entries: Sequence[Entry]
    attempts: Sequence[Attempt]
    paid: Sequence[Paid] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """Some generations, newest first, and the cursor of the next page (None at the end)."""

    items: Sequence[Generation]
    next: str | None


class Studio(Protocol):
    """The table: the one truth about generations, attempts, takes, budgets and settings."""

    def find(self, tenant: str, generation_id: str) -> Record | None:
        """A generation with all that belongs to it, read consistently."""

    def upload(self, tenant: str, upload_id: str) -> Upload | None:
        """An upload, read consistently; None when there is none."""

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

        Raises Stale, AlreadyExists, BudgetMissing, DoesNotFit or StoreUnavailable; with a `start`
        also TooManyInFlight or RateLimited, when nothing else stands against it.
        """

    def budget(self, tenant: str, scope: str, period: str) -> Budget | None:
        """The budget of a scope and period; None when it is not open yet."""

    def open_budget(self, tenant: str, budget: Budget, *, seen: BudgetLimit | None = None) -> None:
        """Open a period's budget by a guarded put; one that is open stays as it is.

        `seen` is the limit that it was made from, None for none. Raises Stale when that is not the
        scope's limit any more: a month must not begin under a limit that was changed meanwhile.
        """

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
        record: AuditRecord | None = None,
    ) -> None:
        """Set a scope's limit, move this period's room with it, and add `record` to the trail, in
        one transaction.

        Raises Stale when `before` or `budget` is not what the table has, and when the next month's
        budget is open already: it began under the limit before this one.
        """

    def provider_settings(self, tenant: str) -> Mapping[str, ProviderSettings]:
        """The owner's settings by provider id; providers without any are absent."""

    def change_settings(
        self,
        tenant: str,
        *,
        seen: Mapping[str, ProviderSettings],
        new: Mapping[str, ProviderSettings],
        record: AuditRecord | None = None,
    ) -> None:
        """Write `new`, whose providers are all among `seen`, and `record`, in one transaction.

        Raises Stale when any of `seen` is not what the table has, by its version, and then
        nothing is written; StoreUnavailable.
        """

    def health(self, tenant: str) -> Mapping[str, Health]:
        """How the tenant's providers have behaved, by provider id; unused ones are absent."""

    def put_health(self, tenant: str, provider: str, before: Health | None, after: Health) -> None:
        """Write a provider's figures; raises Stale when `before` is not what the table has."""

    def opened(self, *, before: datetime) -> Sequence[Opened]:
        """Generations that have not ended, or have attempts that have not, begun before a time.

        Of all tenants, oldest first, each generation once.
        """

    def ledger(self, tenant: str) -> Ledger:
        """All that is known of a tenant's money; read item by item while others write."""

    def tenants(self) -> Sequence[str]:
        """Every tenant that has ever spent something."""

    def confirm_prices(self, tenant: str, provider: str, *, by: str) -> Sequence[PriceDoubt]:
        """Sell again at every price of a provider that was in doubt, and give what was.

        One that is overstepped again at this moment stays in doubt.
        """

    def token(self, tenant: str, token_hash: str) -> Token | None:
        """The token with this SHA-256; None when there is none."""


class UploadBook(Studio, Protocol):
    """The table as far as uploads are written in it."""

    def add_upload(self, upload: Upload) -> None:
        """Write a new upload; raises AlreadyExists, or StoreUnavailable."""

    def change_upload(self, before: Upload, after: Upload) -> None:
        """Write what became of an upload; raises Stale when it is not `before` any more."""


class Repeats(Protocol):
    """The memory of when a request was first made, for callers that cannot name their repeats."""

    def first_asked(
        self, tenant: str, claim_id: str, *, now: datetime, since: datetime
    ) -> datetime:
        """When this was first asked, if that was not before `since`; else it is asked now.

        All who ask at the same moment get the same answer. Raises StoreUnavailable.
        """

    def ask_anew(self, tenant: str, claim_id: str, *, seen: datetime, now: datetime) -> datetime:
        """Count as asked now what was first asked at `seen`; what another made of it meanwhile."""


class Videos(Studio, Protocol):
    """The table as far as it lists videos for clients that page by the last one they saw."""

    def videos(
        self,
        tenant: str,
        *,
        limit: int,
        after: Generation | None,
        oldest_first: bool,
        user: str | None,
    ) -> tuple[Sequence[Generation], bool]:
        """Videos behind `after` that nobody took from the list, and whether there are more."""


@dataclass(frozen=True, slots=True)
class TokenPage:
    """Some tokens, newest first, and the cursor of the next page (None at the end)."""

    items: Sequence[Token]
    next: str | None


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Some records of the trail, newest first, and the cursor of the next page."""

    items: Sequence[AuditRecord]
    next: str | None


class OwnersDesk(Protocol):
    """The table as far as it holds tokens and the trail of changes."""

    def find_token(self, tenant: str, token_id: str) -> Token | None:
        """The token with this id, read consistently; None when there is none."""

    def claim(self, tenant: str, claim_id: str) -> Claim | None:
        """What was made under an Idempotency-Key; None when nothing was."""

    def add_token(
        self, token_hash: str, token: Token, *, record: AuditRecord, claim: Claim | None = None
    ) -> None:
        """Keep a new token by its hash, with its claim and record, in one transaction.

        Raises AlreadyExists when the claim is there already; StoreUnavailable.
        """

    def revoke_token(
        self, before: Token, after: Token, *, witness: Token | None, record: AuditRecord
    ) -> None:
        """Write a revocation if the token, and the witness if there is one, are still as they
        were, by their versions. Raises Stale; StoreUnavailable.
        """

    def admin_tokens(self, tenant: str) -> Iterable[Token]:
        """Tokens of admins that nobody revoked, newest first; a moment old at most."""

    def token_page(self, tenant: str, *, limit: int, cursor: str | None) -> TokenPage:
        """A page of a tenant's tokens; raises ValueError for a cursor that is none."""

    def audit_page(
        self,
        tenant: str,
        *,
        limit: int,
        cursor: str | None,
        user: str | None,
        action: Action | None,
    ) -> AuditPage:
        """A page of a tenant's trail; raises ValueError for a cursor that is none."""


@dataclass(frozen=True, slots=True)
class Execution:
    """One run of the state machine: of a generation, or after one attempt of it alone.

    `run` counts from 0; an execution's name follows from all of it, so that none starts twice.
    """

    tenant: str
    generation_id: str
    run: int = 0
    attempt: int | None = None


class ExecutionState(StrEnum):
    ABSENT = "absent"
    RUNNING = "running"
    ENDED = "ended"


class Workflow(Protocol):
    """The state machine."""

    def start(self, execution: Execution) -> None:
        """Start an execution; one of this name that there is already is a success."""

    def state(self, execution: Execution) -> ExecutionState:
        """Whether it is there and runs; raises StoreUnavailable when nobody can tell."""


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


TENANT_FIELD: Final = "filmgate-tenant"
"""The metadata that a signed form carries: whose upload the key is of. The form is refused with any
other value, and nobody else can sign one."""


@dataclass(frozen=True, slots=True)
class Found:
    """An object of the uploads bucket, in one version; names of its metadata are in lower case."""

    key: str
    version_id: str
    size_bytes: int
    metadata: Mapping[str, str]
    changed_at: datetime


class Inbox(Protocol):
    """The uploads bucket."""

    def form(
        self, key: str, *, content_type: str, size_bytes: int, tenant: str, expires_s: int
    ) -> tuple[str, Mapping[str, str]]:
        """Where to post a file, and the fields to post with it: this key, type and size alone."""

    def find(self, key: str, version_id: str | None = None) -> Found | None:
        """An object in this or its present version; None when there is none (any more)."""

    def read(self, found: Found, *, most: int) -> bytes:
        """Its bytes, but not more of them than `most`."""

    def chunks(self, found: Found) -> Iterator[bytes]:
        """Its bytes as a stream."""

    def put_aside(self, found: Found, place: str, reason: bytes) -> None:
        """Copy an object to a place where it starts nothing, with the reason beside it. A repeat
        is a success."""


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


@dataclass(frozen=True, slots=True)
class RowFilter:
    """Which rows are wanted; None means any. `since` is included, `until` is not."""

    user: str | None = None
    provider: str | None = None
    type: Media | None = None
    status: Status | None = None
    project: str | None = None
    script_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class RowPage:
    """Some attempts, newest first, and the cursor of the next page (None at the end).

    A page may be shorter than asked for, even empty, and still have a next one.
    """

    items: Sequence[Attempt]
    next: str | None


class UsageBook(Protocol):
    """What reports read of the table."""

    def rows(self, tenant: str, wanted: RowFilter, *, limit: int, cursor: str | None) -> RowPage:
        """Attempts by when they began; raises ValueError for a cursor that is none."""

    def discrepancies(
        self, tenant: str, wanted: RowFilter, *, limit: int, cursor: str | None
    ) -> RowPage:
        """Those of them that came otherwise than ordered; raises ValueError likewise."""

    def budgets(self, tenant: str, period: str) -> Sequence[Budget]:
        """Every scope's budget that was opened in a month, in no order."""

    def months(self, tenant: str, scope: str, periods: Sequence[str]) -> Sequence[Budget]:
        """A scope's budgets of these months, in no order, without those never opened."""

    def limits(self, tenant: str) -> Mapping[str, BudgetLimit]:
        """What was set for every month to come, by scope."""
