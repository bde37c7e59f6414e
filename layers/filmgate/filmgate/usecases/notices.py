"""The ports of what goes out when something has ended: the bus, the queue, the deliveries.

`ended` names it: a generation by its id, the run of a storyboard by its own name.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from filmgate.domain.announcements import Announcement
from filmgate.domain.webhooks import Delivery, DeliveryState, SigningSecrets


class Bus(Protocol):
    """The event bus of this installation."""

    def tell(self, announcement: Announcement) -> None:
        """Put it on the bus; raises NotAnnounced when the bus did not take it."""


class Deliveries(Protocol):
    """The records of webhooks, one beside each generation or run that asked for one."""

    def open(self, tenant: str, ended: str, delivery: Delivery) -> None:
        """Keep a new record; one that is there stays as it is. Raises StoreUnavailable."""

    def find(self, tenant: str, ended: str) -> Delivery | None:
        """The record, read consistently; None when there is none. Raises StoreUnavailable."""

    def note(
        self,
        tenant: str,
        ended: str,
        *,
        state: DeliveryState,
        status: int | None,
        problem: str | None,
        at: datetime,
    ) -> None:
        """Count a try and write how it went, unless the webhook is delivered already: that is
        never unsaid. Raises StoreUnavailable."""


class WebhookQueue(Protocol):
    """Where webhooks wait for their next try."""

    def send(self, tenant: str, ended: str) -> None:
        """Ask for a first try; raises NotAnnounced."""


class ReadableSecrets(Protocol):
    """What webhooks are signed with, as far as it is read."""

    def read(self, tenant: str) -> SigningSecrets | None:
        """The secrets as they are now, None before the first; raises KeyStoreUnavailable."""


class SigningSecretStore(Protocol):
    """What webhooks are signed with, as far as it is changed."""

    def read_version(self, tenant: str) -> tuple[SigningSecrets | None, str | None]:
        """The secrets and their version; both None before the first. Raises
        KeyStoreUnavailable."""

    def replace(self, tenant: str, secrets: SigningSecrets, *, version: str | None) -> None:
        """Keep these in place of `version`. Raises Stale when that is not the last one any more,
        KeyStoreUnavailable."""


class PostWebhook(Protocol):
    """Sends one POST over the egress module."""

    def __call__(self, url: str, *, headers: Mapping[str, str], body: bytes) -> int:
        """The status of the answer; its body is never read. Raises WebhookNotSent."""


class WebhookUrls(Protocol):
    """Knows which addresses a webhook may have at all."""

    def __call__(self, url: str) -> str:
        """The address in its one form; raises ValueError with a public reason."""
