"""What AWS's own tools say of the template: cfn-lint, the SAM transform, `sam validate`."""

import json
import os
import re
import subprocess
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from cfnlint.api import lint_file
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from tests.template import documents
from tests.template.documents import ROOT

LOGS_POLICY = "AWSLambdaBasicExecutionRole"
SAM = ROOT / ".venv-sam" / "bin" / "sam"


@cache
def translated() -> dict[str, Any]:
    """The template as CloudFormation gets it, once the code lies somewhere in S3."""
    document = deepcopy(documents.template())
    for resource in document["Resources"].values():
        for name in ("CodeUri", "ContentUri", "DefinitionUri"):
            if name in resource["Properties"]:
                resource["Properties"][name] = "s3://artefacts/key"
    policies = {LOGS_POLICY: f"arn:aws:iam::aws:policy/service-role/{LOGS_POLICY}"}
    session = boto3.session.Session(region_name=documents.REGION)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("AWS_DEFAULT_REGION", documents.REGION)
        translator = Translator(policies, Parser(), boto_session=session)
        output: dict[str, Any] = translator.translate(document, {})
    return output


def of_kind(kind: str) -> dict[str, dict[str, Any]]:
    found = translated()["Resources"].items()
    return {name: one["Properties"] for name, one in found if one["Type"] == kind}


def operations() -> dict[tuple[str, str], dict[str, Any]]:
    """Every operation of the translated API by method and path."""
    (api,) = of_kind("AWS::ApiGatewayV2::Api").values()
    return {
        ("ANY" if method.startswith("x-") else method.upper(), path): operation
        for path, methods in api["Body"]["paths"].items()
        for method, operation in methods.items()
    }


def test_cfn_lint_finds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", documents.REGION)
    monkeypatch.chdir(ROOT)

    found = lint_file(Path("template.yaml"))

    assert [str(fault) for fault in found] == []


def test_sam_validate_finds_nothing(tmp_path: Path) -> None:
    if not SAM.exists():
        pytest.skip("there is no .venv-sam/bin/sam; `make test` installs it")

    validated = subprocess.run(
        [str(SAM), "validate", "--lint", "--template", str(ROOT / "template.yaml")],
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "SAM_CLI_TELEMETRY": "0",
            "AWS_DEFAULT_REGION": documents.REGION,
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": "none",
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert validated.returncode == 0, validated.stdout + validated.stderr
    assert "is a valid SAM Template" in validated.stdout


def test_the_translated_api_has_the_template_s_routes() -> None:
    assert set(operations()) == set(documents.routes())


def test_every_translated_route_but_health_and_the_page_asks_the_authorizer() -> None:
    asks = {route: one["security"] for route, one in operations().items()}

    for path in ("/", "/docs", "/openapi.json", "/static/{proxy+}", "/v1/health"):
        assert asks.pop(("GET", path)) == [{"NONE": []}]
    assert set(map(str, asks.values())) == {str([{"BearerAuthorizer": []}])}


def test_the_authorizer_is_asked_every_time_even_when_a_header_is_missing() -> None:
    (api,) = of_kind("AWS::ApiGatewayV2::Api").values()

    schemes = api["Body"]["components"]["securitySchemes"]
    authorizer = schemes["BearerAuthorizer"]["x-amazon-apigateway-authorizer"]
    assert authorizer["identitySource"] == []
    assert authorizer["authorizerResultTtlInSeconds"] == 0
    assert authorizer["enableSimpleResponses"] is True
    assert "AuthorizeFunction" in str(authorizer["authorizerUri"])


@pytest.mark.parametrize("route", documents.routes(), ids=" ".join)
def test_the_api_may_call_the_function_of_every_route(route: tuple[str, str]) -> None:
    method, path = route
    function = documents.logical_id(documents.routes()[route])

    granted = [
        permission["SourceArn"]["Fn::Sub"][0].rpartition("${__Stage__}/")[2]
        for permission in of_kind("AWS::Lambda::Permission").values()
        if permission["FunctionName"] == {"Ref": function}
        and permission["Principal"] == "apigateway.amazonaws.com"
    ]
    own = re.sub(r"\{\w+\+?\}", "*", f"{method}{path}")
    assert own in granted or "*" in granted


def test_the_api_may_call_the_authorizer() -> None:
    permissions = of_kind("AWS::Lambda::Permission").values()

    named = [json.dumps(one["FunctionName"]) for one in permissions]
    assert sum("AuthorizeFunction" in name for name in named) == 1


def test_roles_have_no_managed_policy_but_those_for_logs_and_traces() -> None:
    attached = {
        arn.rpartition("/")[2]
        for role in of_kind("AWS::IAM::Role").values()
        for arn in role.get("ManagedPolicyArns", [])
    }

    assert attached <= {LOGS_POLICY, "AWSXrayWriteOnlyAccess"}


def test_every_function_has_a_role_of_its_own() -> None:
    roles = [str(function["Role"]) for function in of_kind("AWS::Lambda::Function").values()]

    assert len(set(roles)) == len(roles) == len(documents.functions())


def test_no_function_has_a_public_address() -> None:
    assert of_kind("AWS::Lambda::Url") == {}
