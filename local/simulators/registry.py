"""The simulated vendors. A new one is a module with a `PROVIDER` and one line here."""

from local.simulators import dalle, kling, nanobanana
from local.simulators.world import Provider

PROVIDERS: tuple[Provider, ...] = (dalle.PROVIDER, kling.PROVIDER, nanobanana.PROVIDER)
