"""A client that a stranger's generator makes from our description, at work on the local stack."""

import importlib
import json
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType

import pytest

from openapi.files import DOCUMENT
from tests.e2e.gateway import Studio, prompt

PACKAGE = "generated_filmgate"
SETTINGS = {
    "package_name_override": PACKAGE,
    "post_hooks": [],
    # Kinds of text that the generator does not know: as bytes.
    "content_type_overrides": dict.fromkeys(
        ("application/x-ndjson", "application/jsonl", "text/csv"), "application/octet-stream"
    ),
}


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the package lies."""
    folder = tmp_path_factory.mktemp("generated")
    settings = folder / "settings.json"
    settings.write_text(json.dumps(SETTINGS))
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--fail-on-warning"]
    where = ["--path", DOCUMENT, "--output-path", folder / PACKAGE, "--meta", "none"]
    done = subprocess.run(
        [*command, *where, "--config", settings],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder


@pytest.fixture
def part(generated: Path, monkeypatch: pytest.MonkeyPatch):
    """Gives a module of the package by name."""
    monkeypatch.syspath_prepend(generated)

    def find(name: str) -> ModuleType:
        return importlib.import_module(f"{PACKAGE}.{name}")

    return find


@pytest.fixture
def signed_in(part, studio: Studio):
    """Gives the generated client of somebody with a role."""
    url = studio.gateway.stack.url
    with ExitStack() as opened:

        def sign_in(role: str):
            client = part("client").AuthenticatedClient(
                base_url=url, token=studio.token("ann", role)
            )
            return opened.enter_context(client)

        yield sign_in


def test_a_generated_client_estimates_makes_watches_and_reads_what_it_cost(
    part, signed_in, studio: Studio
) -> None:
    models, words = part("models"), prompt()
    client = signed_in("creator")
    asked = {"type_": models.Media.IMAGE, "prompt": words, "provider": "nanobanana"}
    body = models.EstimateBody(**asked)
    estimate = part("api.estimates.estimate").sync(client=client, body=body)
    body = models.GenerationBody(**asked, project="lamplighter")
    start = part("api.generations.generate")
    made = start.sync(client=client, body=body, idempotency_key="shot-7")
    again = start.sync_detailed(client=client, body=body, idempotency_key="shot-7")
    watch, give_up_at = part("api.generations.get_generation"), time.monotonic() + 60
    while made.state in ("queued", "running", "storing") and time.monotonic() < give_up_at:
        time.sleep(0.1)
        made = watch.sync(made.id, client=client)
    rows = part("api.usage.list_usage").sync(client=client, project="lamplighter")

    assert (estimate.expected, estimate.chain[0].provider) == ("0.0100", "nanobanana")
    assert (again.status_code, again.headers["idempotency-replayed"]) == (200, "true")
    assert again.parsed.id == made.id
    assert (made.state, made.actual_cost, len(made.takes)) == ("succeeded", "0.0100", 1)
    (row,) = rows.items
    assert (row.generation_id, row.actual_cost, row.status) == (made.id, "0.0100", "success")
    assert len(studio.gateway.paid_jobs(words)) == 1


def test_a_refusal_reaches_a_generated_client_as_a_problem(part, signed_in) -> None:
    models = part("models")
    client = signed_in("viewer")
    body = models.EstimateBody(type_=models.Media.IMAGE, prompt="x", cost_limit="0.0001")

    refused = part("api.estimates.estimate").sync_detailed(client=client, body=body)

    assert refused.status_code == 402
    assert isinstance(refused.parsed, models.Problem)
    assert (refused.parsed.code, refused.parsed.room) == ("cost-limit-exceeded", "0.0001")
