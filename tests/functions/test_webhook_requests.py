"""Asking for a webhook, and the secret that signs them, as deployed: loopback is shut."""

import json

import pytest

from tests.functions.support import (
    Clock,
    Deployment,
    altered,
    asked_by,
    assert_problem,
    client,
    sample,
)

ROTATE, READ = "rotate-webhook-secret", "read-webhook-secret"


@pytest.fixture
def studio(studio: Deployment) -> Deployment:
    studio.give_key("dalle")
    return studio


def asking(url: object) -> dict:
    return altered(sample("generate", "image"), body={"webhook_url": url})


def test_a_storyboard_s_webhook_is_looked_at_before_anything_is_held(studio: Deployment) -> None:
    bad = {"webhook_url": "https://169.254.169.254/latest"}
    event = altered(sample("storyboards", "two-shots"), body=bad)

    problem = assert_problem(studio.call("storyboards", event), 422, "validation-failed")

    assert problem["errors"][0]["pointer"] == "/webhook_url"
    assert studio.executions() == []


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.studio.example/x",
        "https://hooks.studio.example:8443/x",
        "https://user:word@hooks.studio.example/x",
        "https://169.254.169.254/latest/meta-data",
        "http://169.254.169.254/",
        "https://127.0.0.1/x",
        "http://127.0.0.1:9000/x",
        "https://localhost/x",
        "https://[::1]/x",
        "https://[::ffff:127.0.0.1]/x",
        "https://10.0.0.1/x",
        "https://192.168.1.1/x",
        "https://[fd00::1]/x",
        "https://2130706433/x",
        "https://0x7f.1/x",
        "https://intranet/x",
        "ftp://hooks.studio.example/x",
        "file:///etc/passwd",
        "https://hooks.studio.example/#a",
        "hooks.studio.example",
        "",
        5,
    ],
)
def test_an_address_that_must_not_be_asked_is_refused_before_anything_is_held(
    studio: Deployment, url: object
) -> None:
    problem = assert_problem(studio.call("generate", asking(url)), 422, "validation-failed")

    assert [fault["pointer"] for fault in problem["errors"]] == ["/webhook_url"]
    assert studio.executions() == []
    assert studio.table.budget("studio", "owner", "2026-11") is None


@pytest.mark.parametrize(
    "url", ["https://hooks.studio.example", "HTTPS://Hooks.Studio.example:443/a?b=c"]
)
def test_a_public_address_is_taken_and_waits_for_the_end(studio: Deployment, url: str) -> None:
    answer = studio.call("generate", asking(url))

    assert answer.status == 202
    assert (answer.json["webhook"]["state"], answer.json["webhook"]["tries"]) == ("pending", 0)
    assert "hooks" not in answer.text.lower()


def test_the_same_key_with_another_address_is_another_request(studio: Deployment) -> None:
    studio.call("generate", asking("https://hooks.studio.example/a"))

    answer = studio.call("generate", asking("https://hooks.studio.example/b"))

    assert_problem(answer, 422, "idempotency-key-reused")


# --- the secret --------------------------------------------------------------------------------


def test_before_the_first_rotation_there_is_no_secret(studio: Deployment) -> None:
    answer = studio.call("settings", sample("settings", READ))

    assert answer.json == {"current": None, "previous": None}


def test_a_secret_is_shown_once_and_then_only_how_it_ends(studio: Deployment, clock: Clock) -> None:
    first = studio.call("settings", sample("settings", ROTATE)).json
    clock.pass_s(60)
    second = studio.call("settings", sample("settings", ROTATE)).json

    shown = studio.call("settings", sample("settings", READ))

    assert first["secret"] != second["secret"]
    assert first["previous"] is None
    assert second["secret"].startswith("whsec_")
    assert shown.json == {
        "current": {
            "hint": second["secret"][-4:],
            "created_at": "2026-11-22T12:01:00.000Z",
            "retires_at": None,
        },
        "previous": {
            "hint": first["secret"][-4:],
            "created_at": "2026-11-22T12:00:00.000Z",
            "retires_at": "2026-11-23T12:01:00.000Z",
        },
    }
    clock.pass_s(24 * 3600)
    later = studio.call("settings", sample("settings", READ)).json
    assert (later["current"]["hint"], later["previous"]) == (second["secret"][-4:], None)


@pytest.mark.parametrize("role", ["viewer", "creator"])
def test_only_an_admin_rotates(studio: Deployment, role: str) -> None:
    event = asked_by(sample("settings", ROTATE), role=role)

    assert_problem(studio.route(event), 403, "forbidden")

    assert studio.call("settings", sample("settings", READ)).json["current"] is None


def test_every_tenant_has_a_secret_of_its_own(studio: Deployment) -> None:
    studio.call("settings", sample("settings", ROTATE))

    other = studio.call("settings", asked_by(sample("settings", READ), role="admin", tenant="b"))

    assert other.json["current"] is None


def test_secrets_lie_under_a_prefix_that_no_provider_s_key_shares(studio: Deployment) -> None:
    studio.call("settings", sample("settings", ROTATE))

    names = {one["Name"] for one in client("secretsmanager").list_secrets()["SecretList"]}
    assert names == {"filmgate/dev/studio/dalle", "filmgate-webhook/dev/studio"}


def test_an_unreadable_secret_is_a_fault_of_ours_that_shows_nothing(studio: Deployment) -> None:
    client("secretsmanager").create_secret(
        Name="filmgate-webhook/dev/studio", SecretString=json.dumps({"current": "canary"})
    )

    answer = studio.call("settings", sample("settings", READ))

    assert answer.status == 500
    assert "canary" not in answer.text
