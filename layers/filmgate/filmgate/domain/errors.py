"""The error tree. A leaf class names the fact that decides what the next actor does.

The state machine sees only a leaf's name, without inheritance; a test compares the names used
in the state machine with the classes here. Messages are public: they hold no key, no prompt,
no link.
"""

from collections.abc import Sequence
from enum import StrEnum


class ErrorClass(StrEnum):
    """What a provider's failure lets us do next."""

    RETRY = "retry"  # the same provider again: it is proved that nothing was accepted
    FALLBACK = "fallback"  # this provider cannot now: the next one
    REJECT = "reject"  # it will not make this content: the next one, unless told to stop
    INVALID = "invalid"  # the request is wrong everywhere: stop
    IN_DOUBT = "in-doubt"  # nothing is proved: the money stays held
    FATAL = "fatal"  # our own store, configuration or code: buy nothing


class GatewayError(Exception):
    """Anything that this gateway says about a request."""


# --- What a caller did -------------------------------------------------------------------------


class CallerError(GatewayError):
    """The request cannot be served as it stands; `code` and `status` go into the problem."""

    code = "internal"
    status = 500
    title = "Request failed"

    def __init__(self, detail: str, **facts: object) -> None:
        super().__init__(detail)
        self.detail = detail
        self.facts = facts


class MalformedJson(CallerError):
    code, status, title = "malformed-json", 400, "The body is not readable JSON"


class InvalidHeader(CallerError):
    code, status, title = "invalid-header", 400, "A header has an unusable value"


class Unauthenticated(CallerError):
    code, status, title = "unauthenticated", 401, "A valid token is needed"


class BudgetExceeded(CallerError):
    code, status, title = "budget-exceeded", 402, "The budget has no room for this"


class CostLimitExceeded(CallerError):
    code, status, title = "cost-limit-exceeded", 402, "The cost limit is below the price"


class Forbidden(CallerError):
    code, status, title = "forbidden", 403, "The token's role does not allow this"


class NotFound(CallerError):
    code, status, title = "not-found", 404, "There is nothing here"


class ModelNotFound(CallerError):
    code, status, title = "model-not-found", 404, "There is no such model"


class MethodNotAllowed(CallerError):
    code, status, title = "method-not-allowed", 405, "This address takes other methods"


class StateConflict(CallerError):
    code, status, title = "state-conflict", 409, "Not possible in this state"


class QuoteChanged(CallerError):
    """Carries `quote`: a fresh one for the same request, and what changed."""

    code, status, title = "quote-changed", 409, "The quote does not hold any more"


class Retired(CallerError):
    code, status, title = "retired", 410, "The provider was retired by its vendor"


class VersionConflict(CallerError):
    code, status, title = "version-conflict", 412, "It was changed since it was read"


class TooLarge(CallerError):
    code, status, title = "too-large", 413, "The body is too large"


class UnsupportedMediaType(CallerError):
    code, status, title = "unsupported-media-type", 415, "Send application/json"


class ValidationFailed(CallerError):
    """Carries `errors`: a list of {"pointer", "message"}, one per field that is wrong.

    `faults` has the same as pairs.
    """

    code, status, title = "validation-failed", 422, "The request is not valid"

    def __init__(self, errors: Sequence[tuple[str, str]]) -> None:
        self.faults = tuple(errors)
        listed = [{"pointer": pointer, "message": message} for pointer, message in errors]
        super().__init__("; ".join(f"{p or '/'}: {m}" for p, m in errors), errors=listed)


class ImageUnusable(CallerError):
    """What was brought as an image is none that can be used; the detail says why."""

    code, status, title = "image-unusable", 422, "The image cannot be used"


class IdempotencyKeyReused(CallerError):
    code, status, title = "idempotency-key-reused", 422, "The key belongs to another request"


class NoCapableProvider(CallerError):
    code, status, title = "no-capable-provider", 422, "No provider can make this"


class RateLimited(CallerError):
    """Carries `retryAfter`: whole seconds until the user may start the next one."""

    code, status, title = "rate-limited", 429, "Too many requests in a short time"


class TooManyInFlight(CallerError):
    """Carries `retryAfter`: whole seconds after which one may have ended."""

    code, status, title = "too-many-in-flight", 429, "Too many generations at once"


class GenerationFailed(CallerError):
    """A call that waits for its result has none: carries `failure`, the code of how it ended, and
    `generationId`."""

    code, status, title = "generation-failed", 502, "The generation ended without a result"


class ResultTooLarge(CallerError):
    """The result is there and too large for an answer; carries `generationId`."""

    code, status, title = "result-too-large", 502, "The result does not fit into an answer"


class StillRunning(CallerError):
    """A call that waits for its result had to end first; carries `generationId`."""

    code, status, title = "still-running", 504, "The generation still runs"


class LedgerUnavailable(CallerError):
    code, status, title = "ledger-unavailable", 503, "The ledger cannot be reached"


class KeyStoreUnavailable(CallerError):
    code, status, title = "key-store-unavailable", 503, "The store of keys cannot be reached"


# --- What a provider did -----------------------------------------------------------------------


class ProviderError(GatewayError):
    """A provider's failure: `error_class` says what it proves, `code` what happened."""

    error_class = ErrorClass.FALLBACK
    code = "provider-error"

    def __init__(
        self,
        provider: str,
        message: str,
        *,
        retry_after_s: float | None = None,
        status: int | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(f"{provider}: {message}")
        self.provider = provider
        self.message = message
        self.retry_after_s = retry_after_s
        self.status = status
        self.request_id = request_id


class ProviderNotReached(ProviderError):
    """Nothing was sent: no name, no connection, no TLS."""

    error_class, code = ErrorClass.RETRY, "not-reached"


class ProviderThrottled(ProviderError):
    error_class, code = ErrorClass.RETRY, "throttled"


class ProviderUnavailable(ProviderError):
    """The vendor's own documented error for an outage, which it does not bill."""

    error_class, code = ErrorClass.RETRY, "unavailable"


class ProviderUnsupported(ProviderError):
    """This provider cannot do what was asked, or has no price for it."""

    code = "unsupported"


class ProviderRetired(ProviderError):
    code = "retired"


class ProviderKeyRefused(ProviderError):
    code = "key-refused"


class ProviderQuotaExhausted(ProviderError):
    code = "quota-exhausted"


class ProviderSuspended(ProviderError):
    """Its breaker is open: it was not asked."""

    code = "suspended"


class ProviderJobFailed(ProviderError):
    """An accepted job ended without a result, and the vendor does not bill it."""

    code = "job-failed"


class ContentRefused(ProviderError):
    error_class, code = ErrorClass.REJECT, "content-refused"


class ProviderRequestInvalid(ProviderError):
    error_class, code = ErrorClass.INVALID, "invalid-request"


class ProviderOutcomeUnknown(ProviderError):
    """Sending may have begun and there is no proof either way."""

    error_class, code = ErrorClass.IN_DOUBT, "outcome-unknown"


class ProviderProtocolError(ProviderError):
    """An answer to a poll that cannot be read: look again later."""

    error_class, code = ErrorClass.RETRY, "unreadable-answer"


class ProviderJobUnknown(ProviderProtocolError):
    """The vendor shows no such job now. That is no failure of the job."""

    code = "job-unknown"


class ProviderResultMissing(ProviderProtocolError):
    """The vendor says success and shows no result; it may still come."""

    code = "result-missing"


class ResultUnusable(ProviderError):
    """The provider delivered something that is no image or video, and will be paid for it."""

    code = "result-unusable"


# --- What we did -------------------------------------------------------------------------------


class DownloadFailed(GatewayError):
    """A finished result could not be fetched this time. Raised in the step Collect only."""


class StoreUnavailable(GatewayError):
    """The table is throttled, in conflict or away. Nothing was bought; the step may be repeated."""


class TopicUnavailable(GatewayError):
    """The owner's topic took no notice, or gave no answer. The notice is kept and told later."""


class DeadLettersUnavailable(GatewayError):
    """The dead-letter queue cannot be read now; its messages stay where they are."""


class RecordsGone(GatewayError):
    """The stream no longer has the records that a dead letter points to: it keeps them a day."""


class Stale(GatewayError):
    """Another writer was faster: the guard of a transaction did not hold. Read again."""


class AlreadyExists(GatewayError):
    """The guarded put of a new generation found one with that id."""


class BudgetMissing(GatewayError):
    """The budget of this scope and month is not open yet."""

    def __init__(self, scope: str, period: str) -> None:
        super().__init__(f"no budget is open for {scope} in {period}")
        self.scope = scope
        self.period = period


class DoesNotFit(GatewayError):
    """A scope has less room than a reservation needs."""

    def __init__(self, scope: str, *, needed: int, room: int) -> None:
        super().__init__(f"{scope} has no room")
        self.scope = scope
        self.needed = needed
        self.room = room


class NotAnnounced(GatewayError):
    """The bus or the queue did not take what was to be told; it may be told again."""


class WebhookNotSent(GatewayError):
    """A receiver gave no answer. `reason` is public; `final` says that asking again is no use:
    its address is one that must not be asked."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.final = final


class StepFailed(GatewayError):
    """A step broke on a fault of ours; names the class of the exception and nothing of its text."""


class ConfigurationError(Exception):
    """A variable, secret or catalogue table is missing. Outside GatewayError: nothing eats it."""
