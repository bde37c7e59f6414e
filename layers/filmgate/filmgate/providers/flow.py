"""Flow: camera moves rendered from a keyframe by our own function. No key, no network, no bill.

It is keyed: the same attempt gives the same clip, so a render may be repeated after any crash.
"""

from filmgate.domain.attempts import Kind
from filmgate.providers.base import Adapter, Order, Rendering

DEFAULT_URL = ""


class Flow(Adapter):
    """Hands the work to the state Render."""

    kind = Kind.KEYED

    def submit(self, order: Order, *, reference: str, deadline_s: float) -> Rendering:
        return Rendering()

    def check(self, *, deadline_s: float) -> None:
        """Nothing to ask: there is no vendor and no key."""


ADAPTER = Flow
