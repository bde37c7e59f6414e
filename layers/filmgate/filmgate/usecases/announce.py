"""Tell that something has ended: on the bus, and by a webhook where one was asked for.

It may run any number of times for the same end. What it tells has the same id each time, the
record of the webhook is opened once, and a message too many in the queue finds it delivered.
"""

import json
from dataclasses import dataclass

from filmgate.domain.announcements import Announcement, generation_finished, storyboard_finished
from filmgate.domain.boards import Head
from filmgate.domain.generations import Generation
from filmgate.domain.webhooks import Delivery
from filmgate.usecases.notices import Bus, Deliveries, WebhookQueue


@dataclass(frozen=True, slots=True)
class Announce:
    """The use case with its ports."""

    bus: Bus
    deliveries: Deliveries
    queue: WebhookQueue

    def __call__(self, generation: Generation) -> None:
        """Raises NotAnnounced or StoreUnavailable, and then all of it is to be done again.

        The record comes before the message, so that a try always finds what it is to send.
        """
        told = generation_finished(generation)
        self._tell(told, generation.tenant, generation.id, generation.webhook_url)

    def storyboard(self, head: Head) -> None:
        """Tell of the end of a storyboard's run; raises as the other."""
        told = storyboard_finished(head)
        self._tell(told, head.tenant, head.run_name, head.asked.webhook_url)

    def _tell(self, told: Announcement, tenant: str, ended: str, url: str | None) -> None:
        self.bus.tell(told)
        if url is None:
            return
        body = json.dumps(told.webhook_body(), ensure_ascii=False, separators=(",", ":"))
        delivery = Delivery(told.id, url, body, created_at=told.at)
        self.deliveries.open(tenant, ended, delivery)
        self.queue.send(tenant, ended)
