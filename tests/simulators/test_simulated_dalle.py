"""The dalle simulator, driven by the official OpenAI client."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import openai
import pytest
from simulator_client import KEY, Simulators, open_base64

MODEL = "gpt-image-2.6-flare"


@pytest.fixture
def client(sim: Simulators) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{sim.url}/dalle/v1", api_key=KEY, max_retries=0) as client:
        yield client


def test_the_official_client_makes_an_image_of_the_ordered_size(
    client: openai.OpenAI, sim: Simulators
) -> None:
    reply = client.images.with_raw_response.generate(
        model=MODEL,
        prompt="A red fox in fresh snow at dawn, photo",
        size="1536x1024",
        quality="medium",
        moderation="auto",
    )
    result = reply.parse()

    assert open_base64(result.data[0].b64_json).size == (1536, 1024)
    assert (result.size, result.quality, result.output_format) == ("1536x1024", "medium", "png")
    assert result.usage.output_tokens == 1584
    assert result.usage.total_tokens == result.usage.input_tokens + 1584
    for name in ("x-request-id", "openai-processing-ms", "x-ratelimit-remaining-requests"):
        assert name in reply.headers
    assert [(row["billed"], row["cost"]) for row in sim.rows("dalle")] == [(True, "0.0200")]


@pytest.mark.parametrize(("format", "shown"), [("jpeg", "JPEG"), ("webp", "WEBP")])
def test_the_picture_comes_in_the_ordered_format(
    client: openai.OpenAI, format: str, shown: str
) -> None:
    result = client.images.generate(
        model=MODEL, prompt="x", size="512x512", output_format=format, output_compression=60
    )

    assert open_base64(result.data[0].b64_json).format == shown


def test_a_transparent_background_is_transparent(client: openai.OpenAI) -> None:
    result = client.images.generate(
        model=MODEL, prompt="x", size="512x512", background="transparent"
    )

    assert open_base64(result.data[0].b64_json).getpixel((0, 0))[3] == 0


def test_several_pictures_differ_and_are_one_job(client: openai.OpenAI, sim: Simulators) -> None:
    result = client.images.generate(model=MODEL, prompt="x", size="256x256", n=3)

    assert len({picture.b64_json for picture in result.data}) == 3
    assert [row["cost"] for row in sim.rows("dalle")] == ["0.0600"]


def test_equal_orders_give_equal_pictures(client: openai.OpenAI) -> None:
    first, again, other = (
        client.images.generate(model=MODEL, prompt=prompt, size="512x288").data[0].b64_json
        for prompt in ("a lake", "a lake", "a lane")
    )

    assert first == again
    assert first != other


@pytest.mark.parametrize(
    ("changes", "error", "code", "param"),
    [
        ({"response_format": "b64_json"}, openai.BadRequestError, "unknown_parameter", None),
        ({"style": "vivid"}, openai.BadRequestError, "unknown_parameter", "style"),
        ({"size": "1792x1023"}, openai.BadRequestError, "invalid_value", "size"),
        ({"size": "4096x1024"}, openai.BadRequestError, "invalid_value", "size"),
        ({"size": "1600x512"}, openai.BadRequestError, "invalid_value", "size"),
        ({"quality": "hd"}, openai.BadRequestError, "invalid_value", "quality"),
        ({"n": 11}, openai.BadRequestError, "invalid_value", "n"),
        ({"n": "2"}, openai.BadRequestError, "invalid_type", "n"),
        ({"output_format": "svg"}, openai.BadRequestError, "invalid_value", "output_format"),
        (
            {"prompt": "x" * 32_001},
            openai.BadRequestError,
            "string_above_max_length",
            "prompt",
        ),
        ({"prompt": ""}, openai.BadRequestError, "missing_required_parameter", "prompt"),
        ({"model": None}, openai.BadRequestError, "missing_required_parameter", "model"),
        ({"model": "dall-e-3"}, openai.NotFoundError, "model_not_found", None),
        ({"model": "gpt-image-1"}, openai.NotFoundError, "model_not_found", None),
        ({"model": "gpt-image-9"}, openai.NotFoundError, "model_not_found", None),
        (
            {"model": "gpt-image-2", "quality": "max"},
            openai.BadRequestError,
            "invalid_value",
            "quality",
        ),
    ],
)
def test_a_wrong_request_gets_the_vendors_error_and_costs_nothing(
    client: openai.OpenAI,
    sim: Simulators,
    changes: dict[str, Any],
    error: type[openai.APIStatusError],
    code: str,
    param: str | None,
) -> None:
    body = {"model": MODEL, "prompt": "x"} | changes

    with pytest.raises(error) as raised:
        client.images.generate(prompt="x", extra_body=body)

    assert raised.value.code == code
    assert param is None or raised.value.param == param
    assert sim.rows("dalle") == []


def test_a_wrong_key_is_an_authentication_error(sim: Simulators) -> None:
    with (
        openai.OpenAI(base_url=f"{sim.url}/dalle/v1", api_key="sk-x", max_retries=0) as stranger,
        pytest.raises(openai.AuthenticationError) as raised,
    ):
        stranger.images.generate(model=MODEL, prompt="x")

    assert raised.value.code == "invalid_api_key"


def test_a_rate_limit_is_a_rate_limit_error_with_its_waiting_time(
    client: openai.OpenAI, sim: Simulators
) -> None:
    sim.fault("dalle", "http_429", retry_after=7)

    with pytest.raises(openai.RateLimitError) as raised:
        client.images.generate(model=MODEL, prompt="x")

    assert raised.value.code == "rate_limit_exceeded"
    assert raised.value.response.headers["retry-after"] == "7"
    assert raised.value.response.headers["retry-after-ms"] == "7000"


def test_models_can_be_listed_and_looked_up_with_their_shutdown_date(
    client: openai.OpenAI,
) -> None:
    listed = {model.id: model for model in client.models.list()}

    assert MODEL in listed
    assert "dall-e-3" not in listed
    for model in listed.values():
        shutdown = (model.model_extra or {}).get("shutdown_date")
        assert shutdown is None or date.fromisoformat(shutdown) > date(2026, 11, 1)
    assert client.models.retrieve(MODEL).id == MODEL
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("dall-e-2")
