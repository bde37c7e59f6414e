"""The nanobanana simulator, driven by the official Google client."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from google import genai
from google.genai import errors, types
from simulator_client import BANANA_BODY, KEY, Simulators, open_base64, png_base64

MODEL = "gemini-nano-banana-2.1"
CALL = f"/nanobanana/v1beta/models/{MODEL}:generateContent"


def google(sim: Simulators, key: str = KEY, version: str | None = None) -> genai.Client:
    options = types.HttpOptions(
        base_url=f"{sim.url}/nanobanana",
        api_version=version,
        retry_options=types.HttpRetryOptions(attempts=1),
    )
    return genai.Client(api_key=key, http_options=options)


@pytest.fixture
def client(sim: Simulators) -> Iterator[genai.Client]:
    client = google(sim, version="v1beta")
    yield client
    client.close()


def config(ratio: str = "16:9", size: str = "1K") -> types.GenerateContentConfig:
    return types.GenerateContentConfig(
        response_modalities=["IMAGE"],
        image_config=types.ImageConfig(aspect_ratio=ratio, image_size=size),
    )


def test_the_official_client_makes_an_image_after_interim_ones(
    client: genai.Client, sim: Simulators
) -> None:
    reply = client.models.generate_content(model=MODEL, contents="A red fox", config=config())

    pictures = [part for part in reply.parts or [] if part.inline_data]
    assert [bool(part.thought) for part in pictures] == [True, False]
    image = open_base64(base64.b64encode(pictures[-1].inline_data.data).decode())
    assert image.size == (1376, 768)
    assert pictures[-1].inline_data.mime_type == "image/png"
    assert reply.usage_metadata.candidates_token_count == 1120
    assert reply.model_version == MODEL
    assert [(row["billed"], row["cost"]) for row in sim.rows("nanobanana")] == [(True, "0.0100")]


@pytest.mark.parametrize(
    ("ratio", "size", "pixels", "format"),
    [
        ("1:1", "1K", (1024, 1024), "PNG"),
        ("9:16", "1K", (768, 1376), "PNG"),
        ("16:9", "2K", (2752, 1536), "JPEG"),
    ],
)
def test_pixels_follow_ratio_and_size(
    sim: Simulators, ratio: str, size: str, pixels: tuple[int, int], format: str
) -> None:
    image_config = {"aspectRatio": ratio, "imageSize": size}
    body = BANANA_BODY | {"generationConfig": {"imageConfig": image_config}}

    reply = sim.call("POST", CALL, body).json()

    part = reply["candidates"][0]["content"]["parts"][-1]["inlineData"]
    image = open_base64(part["data"])
    assert (image.size, image.format) == (pixels, format)
    assert part["mimeType"] == f"image/{format.lower()}"


def test_the_client_works_with_its_own_default_api_version(sim: Simulators) -> None:
    client = google(sim)

    reply = client.models.generate_content(
        model="gemini-3.1-flash-lite-image", contents="x", config=config("1:1")
    )

    assert reply.candidates[0].finish_reason == types.FinishReason.STOP
    client.close()


def test_a_picture_can_start_from_a_given_one_and_follows_its_ratio(sim: Simulators) -> None:
    given = {"inlineData": {"mimeType": "image/png", "data": png_base64(320, 480)}}
    body = {"contents": [{"parts": [{"text": "at night"}, given]}]}

    reply = sim.call("POST", CALL, body).json()

    part = reply["candidates"][0]["content"]["parts"][-1]
    assert open_base64(part["inlineData"]["data"]).size == (848, 1264)
    assert reply["usageMetadata"]["promptTokensDetails"][1]["modality"] == "IMAGE"


def test_the_official_client_sees_a_refused_prompt_inside_a_200(
    client: genai.Client, sim: Simulators
) -> None:
    sim.fault("nanobanana", "refuse")

    reply = client.models.generate_content(model=MODEL, contents="x", config=config())

    assert reply.prompt_feedback.block_reason == types.BlockedReason.SAFETY
    assert not reply.candidates
    assert sim.rows("nanobanana") == []


def test_the_official_client_sees_a_refused_picture_as_a_finish_reason(
    client: genai.Client, sim: Simulators
) -> None:
    sim.fault("nanobanana", "refuse", where="result")

    reply = client.models.generate_content(model=MODEL, contents="x", config=config())

    assert reply.candidates[0].finish_reason == types.FinishReason.IMAGE_SAFETY
    assert [row["billed"] for row in sim.rows("nanobanana")] == [False]


def test_a_wrong_key_is_a_400_with_error_info(sim: Simulators) -> None:
    stranger = google(sim, key="AIza-wrong")

    with pytest.raises(errors.ClientError) as raised:
        stranger.models.generate_content(model=MODEL, contents="x")

    assert (raised.value.code, raised.value.status) == (400, "INVALID_ARGUMENT")
    assert raised.value.details["error"]["details"][0]["reason"] == "API_KEY_INVALID"
    stranger.close()


def test_a_missing_key_is_a_403_and_the_query_may_carry_it(sim: Simulators) -> None:
    models = "/nanobanana/v1beta/models"

    assert sim.call("GET", models, headers={}).status == 403
    assert sim.call("GET", f"{models}?key=sim-query", headers={}).status == 200


@pytest.mark.parametrize(
    ("model", "changes", "status"),
    [
        (MODEL, {"generationConfig": {"imageConfig": {"imageSize": "1k"}}}, 400),
        (MODEL, {"generationConfig": {"imageConfig": {"imageSize": "512"}}}, 400),
        (MODEL, {"generationConfig": {"imageConfig": {"aspectRatio": "7:5"}}}, 400),
        (MODEL, {"generationConfig": {"imageConfig": {"outputMimeType": "image/png"}}}, 400),
        (MODEL, {"generationConfig": {"candidateCount": 2}}, 400),
        (MODEL, {"generationConfig": {"thinkingConfig": {"thinkingLevel": "low"}}}, 400),
        (MODEL, {"responseFormat": {}}, 400),
        (MODEL, {"contents": []}, 400),
        (MODEL, {"contents": [{"parts": [{"text": "x" * 600_000}]}]}, 400),
        (MODEL, {"safetySettings": [{"category": "X", "threshold": "OFF"}]}, 400),
        (
            "gemini-3.1-flash-lite-image",
            {"generationConfig": {"imageConfig": {"imageSize": "2K"}}},
            400,
        ),
        ("gemini-2.5-flash-image", {}, 404),
        ("gemini-3-pro-image-preview", {}, 404),
    ],
)
def test_a_wrong_request_gets_the_vendors_error_and_costs_nothing(
    sim: Simulators, model: str, changes: dict[str, Any], status: int
) -> None:
    path = f"/nanobanana/v1beta/models/{model}:generateContent"

    reply = sim.call("POST", path, BANANA_BODY | changes)

    error = reply.json()["error"]
    assert (reply.status, error["code"]) == (status, status)
    assert error["status"] == {400: "INVALID_ARGUMENT", 404: "NOT_FOUND"}[status]
    assert sim.rows("nanobanana") == []


def test_snake_case_names_are_read_as_well(sim: Simulators) -> None:
    body = BANANA_BODY | {"generation_config": {"image_config": {"aspect_ratio": "21:9"}}}

    reply = sim.call("POST", CALL, body)

    part = reply.json()["candidates"][0]["content"]["parts"][-1]
    assert open_base64(part["inlineData"]["data"]).size == (1584, 672)


def test_models_are_listed(client: genai.Client) -> None:
    assert f"models/{MODEL}" in [model.name for model in client.models.list()]
