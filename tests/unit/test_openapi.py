"""The description of the API: complete, true to its sources, and fit to be held against answers."""

import json
import re
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from filmgate.domain.errors import (
    CallerError,
    ModelNotFound,
    RateLimited,
    Retired,
    TooManyInFlight,
)
from filmgate.http import ROUTES
from filmgate.storyboard_bodies import KINDS as FILE_KINDS
from filmgate.storyboard_bodies import storyboard_of
from openapi.document import EXAMPLES, by_status, document
from openapi.examples import all_examples, recorded, written
from openapi.files import DOCUMENT, as_text
from openapi.operation import JSON, Operation
from openapi.operations import OPERATIONS, TAGS
from openapi.problems import KINDS, Problem, example_of
from openapi.refusals import refusals_of
from openapi.words import WORDS
from tests.functions.test_who_may_what import EXPECTED, NOBODY
from tests.support import described

PAGES = {"/", "/static/{proxy+}", "/docs", "/openapi.json"}
HEADERS = {"content-type": "application/json", "cache-control": "no-store"}
TOLD_TO_OPENAI = {"x-request-id": "c2u6dq4mxk7wyz3b", "x-should-retry": "false"}
HEALTH = {"status": "ok", "version": "0.1.0", "time": "2026-11-22T12:00:00.000Z"}


def named(operation: Operation) -> str:
    return operation.id


def subclasses(kind: type) -> set[type]:
    return {kind}.union(*map(subclasses, kind.__subclasses__()))


def refused(code: str, status: int, **facts: Any) -> str:
    kind = next(one for one in KINDS if one.code == code and one.status == status)
    return json.dumps(example_of(kind) | facts)


def enveloped(code: str) -> str:
    fault = {"message": "No.", "type": "invalid_request_error", "param": None, "code": code}
    return json.dumps({"error": fault})


def test_the_document_that_is_served_is_the_one_that_the_models_make() -> None:
    made = as_text(document())

    assert made == DOCUMENT.read_text(encoding="utf-8"), "run `make openapi`"


def test_every_route_and_method_is_described_and_nothing_else() -> None:
    routes = {
        (method, path)
        for path, methods in ROUTES.items()
        for method in methods
        if path.startswith(described.API)
    }

    assert {path for path in ROUTES if not path.startswith(described.API)} == PAGES
    assert {(one.method, one.path) for one in OPERATIONS} == routes
    assert len({one.id for one in OPERATIONS}) == len(OPERATIONS) == len(routes)


def test_the_document_is_openapi_3_1() -> None:
    assert list(OpenAPIV31SpecValidator(document()).iter_errors()) == []


@pytest.mark.parametrize("operation", OPERATIONS, ids=named)
def test_an_operation_is_told_in_full(operation: Operation) -> None:
    in_path = {one.name for one in operation.parameters if one.place == "path"}

    assert in_path == set(re.findall(r"\{(\w+)\}", operation.path))
    assert operation.tag in TAGS
    assert operation.answers or operation.id == "edit_picture"  # which is always refused
    for kind in operation.body.content if operation.body else ():
        assert operation.body.examples[kind]


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.body], ids=named)
def test_every_example_of_a_request_is_one_that_is_served(operation: Operation) -> None:
    for kind, shape in operation.body.content.items():
        for example in operation.body.examples[kind].values():
            if kind == JSON:
                described.check_request(operation, kind, json.dumps(example))
                shape.model_validate(example)
            elif kind in FILE_KINDS:
                assert storyboard_of(example.encode(), FILE_KINDS[kind], {}).shots


def test_every_answer_in_json_has_an_example_and_there_is_no_other() -> None:
    answers = {
        (operation.id, answer.status)
        for operation in OPERATIONS
        for answer in operation.answers
        if JSON in answer.content
    }

    assert set(all_examples()) == answers
    assert not set(recorded()) & set(written())


@pytest.mark.parametrize("operation", OPERATIONS, ids=named)
def test_every_example_of_an_answer_is_one_that_could_come(operation: Operation) -> None:
    for answer in operation.answers:
        if JSON in answer.content:
            example = all_examples()[operation.id, answer.status]
            described.check_example(answer, example, f"the example of {operation.id}")


def test_the_document_shows_every_example() -> None:
    made = document()
    shown = made["components"]["examples"]

    for operation in OPERATIONS:
        responses = made["paths"][operation.path][operation.method.lower()]["responses"]
        for status in [one.status for one in operation.answers if JSON in one.content]:
            (told,) = responses[str(status)]["content"][JSON]["examples"].values()
            named = told["$ref"].removeprefix(EXAMPLES)
            assert shown[named] == {"value": all_examples()[operation.id, status]}


def test_no_example_tells_a_secret() -> None:
    told = json.dumps([*all_examples().values()], ensure_ascii=False)

    assert set(re.findall(r'(?:fg_studio_|whsec_|Signature=|Credential=)([^"&]*)', told)) == {"…"}


def test_the_document_is_small_enough_for_a_page_to_fetch() -> None:
    assert DOCUMENT.stat().st_size < 380_000


@pytest.mark.parametrize("operation", OPERATIONS, ids=named)
def test_an_operation_needs_the_role_that_it_is_said_to_need(operation: Operation) -> None:
    """By the table of who may what, every cell of which is tried with a real token."""
    cells = EXPECTED[operation.method, operation.path]

    least = {
        "open": (False, False, False),
        "viewer": (True, False, False),
        "creator": (True, True, False),
        "admin": (True, True, True),
    }[operation.role]
    kept_out = (
        all(cells[nobody] == 401 for nobody in NOBODY),
        cells["viewer"] == 403,
        cells["creator"] == 403,
    )
    assert kept_out == least


def test_every_problem_has_an_example_and_every_one_but_a_wrong_address_an_operation() -> None:
    raised = {kind for operation in OPERATIONS for kind in operation.all_problems}

    assert {kind.code for kind in KINDS} == {kind.code for kind in subclasses(CallerError)}
    assert {kind.code for kind in set(KINDS) - raised} == {"method-not-allowed"}
    for kind in KINDS:
        told = KINDS[kind]
        Problem.model_validate(example_of(kind) | told.more)


def test_the_examples_of_a_response_are_the_codes_that_can_come() -> None:
    made = document()

    for operation in OPERATIONS:
        responses = made["paths"][operation.path][operation.method.lower()]["responses"]
        for status, refusals in by_status(refusals_of(operation)).items():
            name = responses[str(status)]["$ref"].rpartition("/")[2]
            (shown,) = made["components"]["responses"][name]["content"].values()
            assert set(shown["examples"]) == {one.code for one in refusals}


def test_the_words_are_about_fields_that_there_are() -> None:
    schemas = document()["components"]["schemas"]

    told = {(model, field) for model, fields in WORDS.items() for field in fields}
    there = {(name, field) for name in WORDS for field in schemas[name]["properties"]}
    assert told <= there


def test_what_nobody_said_has_no_default_that_a_client_might_send() -> None:
    schemas = document()["components"]["schemas"]

    for name in ("Params", "PartBody", "StillBody", "ShotBody", "SettingsBody"):
        assert not [field for field in schemas[name]["properties"].values() if "default" in field]


def test_answers_are_open_to_callers_and_closed_to_tests() -> None:
    public, strict = (document(closed=closed)["components"]["schemas"] for closed in (False, True))

    assert "additionalProperties" not in public["Generation"]
    assert strict["Generation"]["additionalProperties"] is False
    assert public["GenerationBody"]["additionalProperties"] is False


def test_an_answer_as_described_passes() -> None:
    described.check_answer("GET", "/v1/health", 200, HEADERS, json.dumps(HEALTH))


@pytest.mark.parametrize(
    ("method", "path", "status", "headers", "body"),
    [
        ("GET", "/v1/health", 200, {}, json.dumps(HEALTH | {"mood": "good"})),
        ("GET", "/v1/health", 200, {}, json.dumps(HEALTH | {"time": "noon"})),
        ("GET", "/v1/health", 200, {}, json.dumps({"status": "ok", "version": "1"})),
        ("GET", "/v1/health", 200, {"x-mood": "good"}, json.dumps(HEALTH)),
        ("GET", "/v1/health", 200, {"cache-control": "public"}, json.dumps(HEALTH)),
        ("GET", "/v1/health", 200, {"content-type": "text/html"}, json.dumps(HEALTH)),
        ("GET", "/v1/health", 201, {}, json.dumps(HEALTH)),
        ("POST", "/v1/health", 200, {}, json.dumps(HEALTH)),
        ("GET", "/v1/nowhere", 200, {}, json.dumps(HEALTH)),
        ("DELETE", "/v1/settings/providers/dalle/key", 204, {}, "{}"),
    ],
)
def test_an_answer_that_is_not_described_is_noticed(
    method: str, path: str, status: int, headers: dict[str, str], body: str
) -> None:
    with pytest.raises(AssertionError):
        described.check_answer(method, path, status, HEADERS | headers, body)


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (404, {}, refused("not-found", 404)),  # this operation never says so
        (422, {}, refused("not-found", 404)),
        (422, {}, refused("validation-failed", 422, mood="good")),
        (402, {}, refused("cost-limit-exceeded", 402, fits={})),
        (503, {}, refused("ledger-unavailable", 503)),  # without Retry-After
        (402, {"retry-after": "2"}, refused("cost-limit-exceeded", 402)),
    ],
)
def test_a_refusal_that_is_not_described_is_noticed(
    status: int, headers: dict[str, str], body: str
) -> None:
    told = {**HEADERS, "content-type": "application/problem+json", **headers}

    with pytest.raises(AssertionError):
        described.check_answer("POST", "/v1/estimates", status, told, body)


@pytest.mark.parametrize(
    ("status", "code", "headers"),
    [
        (404, "model_not_found", {}),  # this operation never says so
        (422, "still_running", {"x-should-retry": "true"}),
        (404, "not_found", {"x-should-retry": "true"}),  # without its x-request-id
        (404, "not-found", TOLD_TO_OPENAI),
        (404, "not_found", {**TOLD_TO_OPENAI, "retry-after": "2"}),
        (503, "ledger_unavailable", TOLD_TO_OPENAI),  # without Retry-After
    ],
)
def test_an_error_for_clients_of_openai_that_is_not_described_is_noticed(
    status: int, code: str, headers: dict[str, str]
) -> None:
    with pytest.raises(AssertionError):
        described.check_answer(
            "GET", "/v1/videos/gen_a", status, HEADERS | headers, enveloped(code)
        )


def test_what_the_envelope_tells_alike_is_told_with_both_of_its_reasons() -> None:
    operation = described.operation_at("POST", "/v1/videos")

    told = {one.code: one.title for one in refusals_of(operation)}

    assert told["rate_limit_exceeded"] == f"{RateLimited.title}; {TooManyInFlight.title}"
    assert told["model_not_found"] == f"{ModelNotFound.title}; {Retired.title}"


@pytest.mark.parametrize("path", ["/v1/videos/gen_a", "/v1/chat/completions"])
def test_an_error_for_clients_of_openai_passes_as_described(path: str) -> None:
    headers = HEADERS | TOLD_TO_OPENAI

    described.check_answer("GET", path, 404, headers, enveloped("not_found"))


def test_a_request_that_is_served_and_not_described_is_noticed() -> None:
    operation = described.operation_at("POST", "/v1/estimates")

    with pytest.raises(AssertionError):
        described.check_request(operation, JSON, '{"type": "image", "prompt": "x", "mood": "good"}')
    with pytest.raises(AssertionError):
        described.check_request(operation, "text/csv", "prompt\nx")
