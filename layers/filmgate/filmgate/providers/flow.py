"""Flow: camera moves rendered from a keyframe by our own function. No key, no network, no bill.

It is keyed: the same attempt gives the same clip, so a render may be repeated after any crash.
"""

from collections.abc import Mapping
from typing import Any

from filmgate.providers.base import Account, Finished, Http, Kind, Order, Pending, Rendering


class Flow:
    """Hands the work to the state Render."""

    kind = Kind.KEYED

    def __init__(self, http: Http, account: Account) -> None:
        """Takes what every adapter takes, and calls nobody."""

    def submit(self, order: Order, *, reference: str, deadline_s: float) -> Rendering:
        return Rendering()

    def poll(self, operation: Mapping[str, Any], *, deadline_s: float) -> Pending | Finished:
        raise NotImplementedError("Flow is rendered, not polled")

    def find(self, reference: str, *, deadline_s: float) -> Pending | None:
        raise NotImplementedError("Flow is rendered, not searched")


ADAPTER = Flow
DEFAULT_URL = ""
