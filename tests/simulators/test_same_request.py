"""What our adapters send is, field by field, what the vendors' own libraries send.

Here for the two image vendors with a library; sora, veo and whan have theirs in their own files.
Every deliberate difference is listed, and checked: a difference that is gone fails too.
"""

from typing import Any

import openai
import pytest
from google import genai
from google.genai import types
from simulator_client import KEY, Simulators

from filmgate.adapters import addresses
from filmgate.adapters.addresses import AddressPolicy
from filmgate.adapters.egress import Egress
from filmgate.providers.base import Account, Adapter, Order
from filmgate.providers.dalle import Dalle
from filmgate.providers.nanobanana import Nanobanana

PROMPT = "A red fox in fresh snow at dawn, ü"
REFERENCE = "att_abcdefghijklmnopqrstuvwxyz00"
FLARE, BANANA = "gpt-image-2.6-flare", "gemini-nano-banana-2.1"

# Theirs describe the library, its language and its machine; ours has none of it.
DALLE_DIFFERS = {
    "x-client-request-id": "a name for support; it does not deduplicate",
}
BANANA_DIFFERS: dict[str, str] = {}
# What says how the body is to be read; the rest of the headers is the way, not the wish.
MEANING = (
    "content-type",
    "openai-organization",
    "openai-project",
    "openai-beta",
    "x-goog-user-project",
)


@pytest.fixture
def egress(monkeypatch: pytest.MonkeyPatch) -> Egress:
    monkeypatch.setattr(addresses, "policy", AddressPolicy(loopback=True))
    return Egress()


def send(
    adapter: type[Adapter], sim: Simulators, egress: Egress, provider: str, **wish: Any
) -> None:
    url = f"{sim.url}/{provider}"
    account = Account(provider, url, frozenset({"127.0.0.1"}), {"api_key": KEY})
    usual: dict[str, Any] = {"prompt": PROMPT, "duration_s": 0, "fps": 24, "quality": "standard"}
    adapter(egress, account).submit(Order(**usual | wish), reference=REFERENCE, deadline_s=20)


def both(sim: Simulators) -> tuple[dict[str, Any], dict[str, Any]]:
    """(theirs, ours), in the order in which they were sent."""
    theirs, ours = sim.call("GET", "/__sim/requests").json()["requests"]
    return theirs, ours


def check(theirs: dict[str, Any], ours: dict[str, Any], differs: dict[str, str]) -> None:
    assert (ours["method"], ours["path"]) == (theirs["method"], theirs["path"])
    assert ours["body"] == theirs["body"]
    assert {name: ours["headers"].get(name) for name in MEANING} == {
        name: theirs["headers"].get(name) for name in MEANING
    }
    vendors_own = {name for name in ours["headers"] if name.startswith("x-")}
    assert vendors_own - set(theirs["headers"]) == set(differs)


@pytest.mark.parametrize(
    ("size", "quality", "word"),
    [
        ((1024, 1024), "low", "low"),
        ((1536, 864), "standard", "medium"),
        ((1024, 1536), "high", "high"),
    ],
)
def test_an_image_is_asked_for_as_openais_library_asks(
    sim: Simulators, egress: Egress, size: tuple[int, int], quality: str, word: Any
) -> None:
    width, height = size
    with openai.OpenAI(base_url=f"{sim.url}/dalle/v1", api_key=KEY, max_retries=0) as client:
        client.images.generate(
            model=FLARE,
            prompt=PROMPT,
            n=1,
            size=f"{width}x{height}",
            quality=word,
            output_format="png",
            moderation="auto",
        )
    words = {"resolution": f"{width}x{height}", "aspect_ratio": "1:1"}
    send(
        Dalle, sim, egress, "dalle",
        model=FLARE, width=width, height=height, quality=quality, **words,
    )  # fmt: skip

    theirs, ours = both(sim)

    check(theirs, ours, DALLE_DIFFERS)
    assert set(ours["body"]) == {
        "model", "prompt", "n", "size", "quality", "output_format", "moderation",
    }  # fmt: skip
    assert ours["headers"]["x-client-request-id"] == REFERENCE


@pytest.mark.parametrize(
    ("size", "ratio", "word"),
    [
        ((1024, 1024), "1:1", "1K"),
        ((1376, 768), "16:9", "1K"),
        ((2752, 1536), "16:9", "2K"),
        ((4096, 4096), "1:1", "4K"),
    ],
)
def test_an_image_is_asked_for_as_googles_library_asks(
    sim: Simulators, egress: Egress, size: tuple[int, int], ratio: str, word: str
) -> None:
    width, height = size
    options = types.HttpOptions(
        base_url=f"{sim.url}/nanobanana",
        api_version="v1beta",
        retry_options=types.HttpRetryOptions(attempts=1),
    )
    config = types.GenerateContentConfig(
        response_modalities=["IMAGE"],
        image_config=types.ImageConfig(aspect_ratio=ratio, image_size=word),
    )
    sim.fault("nanobanana", "http_429", times=2)  # what is answered does not matter here
    with (
        genai.Client(api_key=KEY, http_options=options) as client,
        pytest.raises(Exception, match="429"),
    ):
        client.models.generate_content(model=BANANA, contents=PROMPT, config=config)
    with pytest.raises(Exception, match="too many requests"):
        send(
            Nanobanana, sim, egress, "nanobanana",
            model=BANANA, width=width, height=height, aspect_ratio=ratio, resolution=word,
        )  # fmt: skip

    theirs, ours = both(sim)

    check(theirs, ours, BANANA_DIFFERS)
    assert ours["body"]["generationConfig"]["imageConfig"] == {
        "aspectRatio": ratio,
        "imageSize": word,
    }
