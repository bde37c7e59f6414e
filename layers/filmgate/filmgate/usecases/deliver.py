"""One try to deliver a webhook, signed with every secret that is active now.

An owner who has no secret yet gets nothing that could not be verified: the try fails, and the
next one finds the secret if an admin has made one meanwhile.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import random
from typing import Final

from filmgate.domain.errors import WebhookNotSent
from filmgate.domain.webhooks import Delivery, DeliveryState, pause_s, signed_headers, state_after
from filmgate.usecases.notices import Deliveries, PostWebhook, ReadableSecrets
from filmgate.usecases.ports import Clock

UNSIGNED: Final = (
    "no signing secret yet; an admin makes one: POST /v1/settings/webhook-secret/rotate"
)


@dataclass(frozen=True, slots=True)
class Deliver:
    """The use case with its ports. `scale_percent` shortens the pauses between tries."""

    deliveries: Deliveries
    secrets: ReadableSecrets
    post: PostWebhook
    clock: Clock
    scale_percent: float = 100
    jitter: Callable[[], float] = random

    def __call__(self, tenant: str, ended: str, *, last: bool) -> DeliveryState:
        """Make a try and give how the delivery stands after it.

        A delivery that is over is left alone. `last` says that no other try will follow.
        Raises StoreUnavailable or KeyStoreUnavailable; if the answer came before that, the
        receiver gets the same message once more and knows it by its id.
        """
        delivery = self.deliveries.find(tenant, ended)
        if delivery is None or delivery.is_over:
            return DeliveryState.DELIVERED
        status, problem, final = self._try(tenant, delivery)
        state = state_after(status, final=final, last=last)
        self.deliveries.note(
            tenant, ended, state=state, status=status, problem=problem, at=self.clock()
        )
        return state

    def pause_s(self, tries: int) -> int:
        """Seconds to wait after try number `tries`."""
        return pause_s(tries, jitter=self.jitter(), scale_percent=self.scale_percent)

    def _try(self, tenant: str, delivery: Delivery) -> tuple[int | None, str | None, bool]:
        """(status of the answer, what went wrong, whether no other try can help)."""
        secrets = self.secrets.read(tenant)
        if secrets is None:
            return None, UNSIGNED, False
        body, now = delivery.body.encode(), self.clock()
        headers = signed_headers(delivery.message_id, body, secrets.active(now), now)
        try:
            status = self.post(delivery.url, headers=headers, body=body)
        except WebhookNotSent as error:
            return None, error.reason, error.final
        return status, None if 200 <= status <= 299 else f"answered with status {status}", False
