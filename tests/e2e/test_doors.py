"""Who may come in, and what they are told: over HTTP, through the real authorizer."""

import pytest

from local.api import Api
from local.owner import make_token
from tests.e2e.gateway import Gateway, Studio, prompt

ROUTES = [
    ("GET", "/v1/providers"),
    ("POST", "/v1/estimates"),
    ("POST", "/v1/estimates/compare"),
    ("GET", "/v1/generations"),
    ("POST", "/v1/generations"),
    ("GET", "/v1/generations/gen_x"),
    ("DELETE", "/v1/generations/gen_x"),
    ("GET", "/v1/budgets/owner"),
    ("PUT", "/v1/budgets/owner"),
    ("GET", "/v1/notices"),
    ("PUT", "/v1/settings/order"),
    ("GET", "/v1/settings/providers/dalle"),
    ("PUT", "/v1/settings/providers/dalle"),
    ("PUT", "/v1/settings/providers/dalle/key"),
    ("DELETE", "/v1/settings/providers/dalle/key"),
    ("POST", "/v1/settings/providers/dalle/test"),
    ("GET", "/no/such/address"),
]


def test_health_is_open(gateway: Gateway) -> None:
    answer = Api(gateway.stack.url, None).call("GET", "/v1/health")

    assert (answer.status, answer.body["status"]) == (200, "ok")


@pytest.mark.parametrize("token", [None, "nonsense", "fg_studio_" + "A" * 43])
@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_without_a_good_token_every_other_route_is_401(
    gateway: Gateway, method: str, path: str, token: str | None
) -> None:
    answer = Api(gateway.stack.url, token).call(method, path, {} if method != "GET" else None)

    assert (answer.status, answer.body["code"]) == (401, "unauthenticated")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_wrong_body_is_422_and_points_at_every_fault(studio: Studio) -> None:
    body = {"type": "image", "prompt": " ", "params": {"seed": 1.5, "colour": "red"}, "x": 1}

    answer = studio.api.call("POST", "/v1/generations", body)

    assert answer.status == 422
    assert {error["pointer"] for error in answer.body["errors"]} == {
        "/prompt",
        "/params/seed",
        "/params/colour",
        "/x",
    }


def test_another_users_and_another_tenants_generation_is_404(
    gateway: Gateway, studio: Studio
) -> None:
    mine = studio.end_of(studio.login("ann", "creator").post(
        "/v1/generations", {"type": "image", "prompt": prompt()}
    ))  # fmt: skip
    foreign = make_token(gateway.installation, user="ann", role="admin", tenant="elsewhere")
    strangers = [studio.login("ben", "creator"), Api(gateway.stack.url, foreign)]

    for stranger in strangers:
        assert stranger.call("GET", f"/v1/generations/{mine['id']}").status == 404
        assert stranger.call("DELETE", f"/v1/generations/{mine['id']}").status == 404
        assert stranger.get("/v1/generations")["items"] == []


def test_a_viewer_may_look_and_not_buy(studio: Studio) -> None:
    viewer = studio.login("eve", "viewer")

    bought = viewer.call("POST", "/v1/generations", {"type": "image", "prompt": "x"})

    assert viewer.call("GET", "/v1/generations").status == 200
    assert (bought.status, bought.body["code"]) == (403, "forbidden")


def test_a_wrong_method_names_the_right_ones(studio: Studio) -> None:
    answer = studio.api.call("PUT", "/v1/generations", {})

    assert (answer.status, answer.headers["allow"]) == (405, "GET, POST")


def test_the_chain_is_told_before_anything_is_bought(studio: Studio) -> None:
    answer = studio.api.post("/v1/estimates", {"type": "image", "prompt": "a fox"})

    chain = [(entry["provider"], entry["eligible"], entry["cost"]) for entry in answer["chain"]]
    assert chain == [
        ("dalle", True, "0.0200"),
        ("nanobanana", True, "0.0100"),
        ("midjourney", True, "0.0150"),
    ]
    assert (answer["expected"], answer["max"]) == ("0.0200", "0.0200")
    assert [entry["reason"] for entry in answer["chain"]] == [None, None, None]


def test_the_list_turns_its_pages(studio: Studio) -> None:
    made = [studio.make(type="image", prompt=prompt(), project="p")["id"] for _ in range(3)]

    first = studio.api.get("/v1/generations?project=p&limit=2")
    second = studio.api.get(f"/v1/generations?project=p&limit=2&cursor={first['next']}")

    listed = [one["id"] for one in first["items"] + second["items"]]
    assert listed == made[::-1]
    assert second["next"] is None
