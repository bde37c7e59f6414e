"""Tell that a generation has ended: on the bus, and by a webhook where one was asked for.

It may run any number of times for the same end. What it tells has the same id each time, the
record of the webhook is opened once, and a message too many in the queue finds it delivered.
"""

import json
from dataclasses import dataclass

from filmgate.domain.announcements import generation_finished, storyboard_finished
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
        self.bus.tell(told)
        if generation.webhook_url is None:
            return
        body = json.dumps(told.webhook_body(), ensure_ascii=False, separators=(",", ":"))
        delivery = Delivery(told.id, generation.webhook_url, body, created_at=told.at)
        self.deliveries.open(generation.tenant, generation.id, delivery)
        self.queue.send(generation.tenant, generation.id)

    def storyboard(self, head: Head) -> None:
        """Tell of a storyboard's end, on the bus; raises NotAnnounced."""
        self.bus.tell(storyboard_finished(head))
