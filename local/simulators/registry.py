"""The simulated vendors. A new one is a module with a `PROVIDER` and one line here."""

from local.simulators import dalle, kling, midjourney, nanobanana, sora, veo, whan
from local.simulators.world import Provider

PROVIDERS: tuple[Provider, ...] = (
    dalle.PROVIDER,
    kling.PROVIDER,
    midjourney.PROVIDER,
    nanobanana.PROVIDER,
    sora.PROVIDER,
    veo.PROVIDER,
    whan.PROVIDER,
)
