"""Roles against routes: one table says who gets what, and every route must have its row.

Every cell is tried with a real token through the authorizer and the template's own routes: in a
studio with a generation, tokens and a provider's key, beside a foreign tenant. Each bearer has an
installation of its own and walks down the table, so a row that takes something away stands below
those that need it.
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import pytest

from filmgate.domain.ids import token_id
from filmgate.http import ROUTES
from filmgate.openai_errors import speaks_openai
from filmgate.usecases.authorize import token_hash
from tests.functions.support import (
    NOW,
    PROBLEM_FIELDS,
    Answer,
    Deployment,
    altered,
    request,
    sample,
)
from tests.template import documents

CANARY: Final = "canary-of-the-studio"

# Who asks; the creator is the one to whom the generation belongs.
BEARERS: Final[Mapping[str, dict | None]] = {
    "no token": None,
    "unknown": None,
    "viewer": {"role": "viewer", "user": "vic"},
    "creator": {"role": "creator", "user": "ann"},
    "another creator": {"role": "creator", "user": "cat"},
    "admin": {"role": "admin", "user": "ada"},
    "expired": {"role": "admin", "user": "ada", "expires_at": NOW},
    "revoked": {"role": "admin", "user": "ada", "revoked_at": NOW - timedelta(days=1)},
    "foreign admin": {"role": "admin", "user": "ann", "tenant": "other"},
}
NOBODY: Final = ("no token", "unknown", "expired", "revoked")

OPEN: Final = dict.fromkeys(BEARERS, 200)


def row(viewer: int, creator: int, admin: int, foreign: int, other_creator: int | None = None):
    """The statuses of a route that needs a token; nobody gets 401."""
    known = {
        "viewer": viewer,
        "creator": creator,
        "another creator": creator if other_creator is None else other_creator,
        "admin": admin,
        "foreign admin": foreign,
    }
    return {**dict.fromkeys(NOBODY, 401), **known}


EVERYBODY: Final = row(200, 200, 200, 200)
ADMINS: Final = row(403, 403, 200, 200)
EXPECTED: Final[Mapping[tuple[str, str], Mapping[str, int]]] = {
    ("GET", "/"): OPEN,
    ("GET", "/docs"): OPEN,
    ("GET", "/openapi.json"): OPEN,
    ("GET", "/static/{proxy+}"): OPEN,
    ("GET", "/v1/health"): OPEN,
    ("GET", "/v1/me"): EVERYBODY,
    ("GET", "/v1/providers"): EVERYBODY,
    ("POST", "/v1/estimates"): row(200, 200, 200, 422),  # who has no key has no provider
    ("POST", "/v1/estimates/compare"): EVERYBODY,
    ("GET", "/v1/generations"): EVERYBODY,
    ("POST", "/v1/generations"): row(403, 202, 202, 422),
    ("GET", "/v1/generations/{id}"): row(200, 200, 200, 404, other_creator=404),
    # It has not ended yet, and so cannot be retried: 409 for who might.
    ("POST", "/v1/generations/{id}/retry"): row(403, 409, 409, 404, other_creator=404),
    ("DELETE", "/v1/generations/{id}"): row(403, 200, 200, 404, other_creator=404),
    ("POST", "/v1/estimates/storyboard"): row(200, 200, 200, 422),
    # It is not settled yet, and so cannot be corrected: 409 for who might.
    ("POST", "/v1/generations/{id}/attempts/{attempt}/correction"): row(403, 403, 409, 404),
    ("GET", "/v1/storyboards"): EVERYBODY,
    ("POST", "/v1/storyboards"): row(403, 202, 202, 422),
    ("GET", "/v1/storyboards/{id}"): row(200, 200, 200, 404, other_creator=404),
    ("DELETE", "/v1/storyboards/{id}"): row(403, 202, 202, 404, other_creator=404),
    ("POST", "/v1/storyboards/{id}/resume"): row(403, 409, 409, 404, other_creator=404),
    ("POST", "/v1/uploads"): row(403, 201, 201, 201),
    ("GET", "/v1/uploads/{id}"): row(200, 200, 200, 404, other_creator=404),
    # A picture is waited for, and nobody makes it here: 504 for who may ask.
    ("POST", "/v1/images/generations"): row(403, 504, 504, 400),
    ("POST", "/v1/images/edits"): row(403, 400, 400, 400),
    ("POST", "/v1/videos"): row(403, 200, 200, 400),
    ("GET", "/v1/videos"): EVERYBODY,
    ("GET", "/v1/videos/{id}"): row(200, 200, 200, 404, other_creator=404),
    ("GET", "/v1/videos/{id}/content"): row(409, 409, 409, 404, other_creator=404),
    ("DELETE", "/v1/videos/{id}"): row(403, 200, 200, 404, other_creator=404),
    ("GET", "/v1/models"): EVERYBODY,
    ("GET", "/v1/models/{id}"): row(200, 200, 200, 404),  # who has no key has no model
    ("GET", "/v1/notices"): EVERYBODY,
    ("GET", "/v1/verify"): ADMINS,
    ("GET", "/v1/usage"): EVERYBODY,
    ("GET", "/v1/usage/summary"): EVERYBODY,
    ("GET", "/v1/usage/discrepancies"): EVERYBODY,
    ("GET", "/v1/budgets"): EVERYBODY,
    ("GET", "/v1/budgets/{scope}/history"): EVERYBODY,
    ("GET", "/v1/budgets/{scope}"): EVERYBODY,
    ("PUT", "/v1/budgets/{scope}"): ADMINS,
    ("PUT", "/v1/settings/order"): ADMINS,
    ("GET", "/v1/settings/providers/{id}"): EVERYBODY,
    ("PUT", "/v1/settings/providers/{id}"): ADMINS,
    ("PUT", "/v1/settings/providers/{id}/key"): row(403, 403, 204, 204),
    ("DELETE", "/v1/settings/providers/{id}/key"): row(403, 403, 204, 204),
    ("POST", "/v1/settings/providers/{id}/test"): ADMINS,
    ("POST", "/v1/settings/providers/{id}/prices/confirm"): ADMINS,
    ("GET", "/v1/settings/webhook-secret"): EVERYBODY,
    ("POST", "/v1/settings/webhook-secret/rotate"): ADMINS,
    ("GET", "/v1/tokens"): ADMINS,
    ("POST", "/v1/tokens"): row(403, 403, 201, 201),
    ("DELETE", "/v1/tokens/{id}"): row(403, 403, 200, 404),
    ("GET", "/v1/audit"): ADMINS,
}
IMAGE: Final = {"type": "image", "prompt": CANARY}
BODIES: Final[Mapping[tuple[str, str], dict]] = {
    ("POST", "/v1/estimates"): IMAGE,
    ("POST", "/v1/estimates/compare"): IMAGE,
    ("POST", "/v1/generations"): IMAGE,
    ("POST", "/v1/estimates/storyboard"): {"shots": [{"prompt": CANARY}]},
    ("POST", "/v1/generations/{id}/attempts/{attempt}/correction"): {
        "actual_cost": "0.0100", "reason": "as on the bill",
    },
    ("POST", "/v1/storyboards"): {"shots": [{"prompt": CANARY}]},
    ("POST", "/v1/storyboards/{id}/resume"): {},
    ("POST", "/v1/uploads"): {
        "filename": f"{CANARY}.png", "content_type": "image/png", "size_bytes": 9,
    },
    ("PUT", "/v1/budgets/{scope}"): {"limit": "3.0000"},
    ("PUT", "/v1/settings/order"): {
        "type": "image", "order": ["dalle", "nanobanana", "midjourney"],
    },
    ("PUT", "/v1/settings/providers/{id}"): {"enabled": True},
    ("PUT", "/v1/settings/providers/{id}/key"): {"key": "sk-0123456789"},
    ("POST", "/v1/tokens"): {"user": "new", "role": "viewer"},
    ("POST", "/v1/images/generations"): {"prompt": CANARY},
    ("POST", "/v1/videos"): {"prompt": CANARY},
}  # fmt: skip


class Scene:
    """A studio in which there is something to see, and the tokens of everybody."""

    def __init__(self, studio: Deployment) -> None:
        self._studio = studio
        self._texts = {
            name: f"fg_{(facts or {}).get('tenant', 'studio')}_{name.replace(' ', '-'):x<43}"
            for name, facts in BEARERS.items()
            if name != "no token"
        }
        for name, facts in BEARERS.items():
            if facts is not None:
                note = "" if "tenant" in facts else CANARY
                studio.give_token(self._texts[name], note=note, **facts)
        studio.give_key("dalle")
        studio.own_settings("dalle", model="gpt-image-1-mini")
        studio.give_key("kling")
        made = self.ask("POST", "/v1/generations", "creator").json
        clip = self.ask("POST", "/v1/videos", "creator").json
        board = self.ask("POST", "/v1/storyboards", "creator").json
        upload = self.ask("POST", "/v1/uploads", "creator").json
        self._ids = {
            "/static/{proxy+}": "0/app.js",
            "/v1/uploads/{id}": upload["upload_id"],
            "/v1/generations/{id}": made["id"],
            "/v1/generations/{id}/retry": made["id"],
            "/v1/storyboards/{id}": board["id"],
            "/v1/storyboards/{id}/resume": board["id"],
            "/v1/generations/{id}/attempts/{attempt}/correction": made["id"],
            "/v1/videos/{id}": clip["id"],
            "/v1/videos/{id}/content": clip["id"],
            "/v1/budgets/{scope}": "owner",
            "/v1/budgets/{scope}/history": "owner",
            "/v1/tokens/{id}": token_id(token_hash(self._texts["viewer"])),
        }

    def ask(self, method: str, template: str, bearer: str) -> Answer:
        """Ask as the API does: through the authorizer where the route has one."""
        own = self._ids.get(template, "dalle") if hasattr(self, "_ids") else ""
        path = template.replace("{id}", own).replace("{scope}", own).replace("{proxy+}", own)
        path = path.replace("{attempt}", f"att_{own.partition('_')[2]}00")
        event = request(method, path, body=BODIES.get((method, template)))
        if EXPECTED[method, template] is not OPEN:
            event["requestContext"]["authorizer"] = {"lambda": self._told(bearer)}
        return self._studio.route(event)

    def _told(self, bearer: str) -> dict:
        text = self._texts.get(bearer)
        headers = {"authorization": text and f"Bearer {text}"}
        event = altered(sample("authorize", "no-token"), headers=headers)
        context: dict = self._studio.invoke("authorize", event)["context"]
        return context


def test_every_route_has_its_row_in_the_table() -> None:
    offered = {(method, path) for path, methods in ROUTES.items() for method in methods}
    deployed = {key for key in documents.routes() if key[1] != "$default"}

    assert offered == deployed == set(EXPECTED)
    assert {frozenset(row) for row in EXPECTED.values()} == {frozenset(BEARERS)}


@pytest.mark.parametrize("bearer", BEARERS)
def test_everybody_gets_what_the_table_says(studio: Deployment, bearer: str) -> None:
    scene = Scene(studio)

    answers = {key: scene.ask(*key, bearer) for key in EXPECTED}

    told = {key: answer.status for key, answer in answers.items()}
    assert told == {key: expected[bearer] for key, expected in EXPECTED.items()}
    for (_, path), answer in answers.items():
        shape = {"error"} if speaks_openai(path) else PROBLEM_FIELDS
        assert answer.status < 400 or set(json.loads(answer.text)) >= shape


def test_who_is_refused_changes_nothing(studio: Deployment) -> None:
    scene = Scene(studio)
    before = studio.dynamodb.scan(TableName="studio-table")["Items"]

    for (method, template), expected in EXPECTED.items():
        for bearer, status in expected.items():
            if status in (401, 403, 404):
                assert scene.ask(method, template, bearer).status == status

    assert studio.dynamodb.scan(TableName="studio-table")["Items"] == before
    assert len(studio.executions()) == 2


def test_nothing_of_a_studio_is_shown_to_another(studio: Deployment) -> None:
    scene = Scene(studio)

    for method, template in EXPECTED:
        if method == "GET":
            assert CANARY not in scene.ask(method, template, "foreign admin").text

    assert CANARY in scene.ask("GET", "/v1/generations", "viewer").text
    assert CANARY in scene.ask("GET", "/v1/tokens", "admin").text
