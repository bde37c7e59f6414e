"""template.yaml and its state machine as plain data.

CloudFormation's short forms are spelt out (`!Ref x` is {"Ref": "x"}), so that a test reads the
template as CloudFormation does, and `resolved` plays a deployment with names of our own.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
REGION = "us-east-1"
ACCOUNT = "123456789012"

Document = dict[str, Any]


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's tags; a key that stands twice is an error, not a loss."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> Document:
        mapping = super().construct_mapping(node, deep=deep)
        if len(mapping) != len(node.value):
            raise yaml.YAMLError(f"a key stands twice{node.start_mark}")
        return mapping


def _intrinsic(loader: _Loader, name: str, node: yaml.Node) -> Document:
    match node:
        case yaml.ScalarNode():
            value: Any = loader.construct_scalar(node)
        case yaml.SequenceNode():
            value = loader.construct_sequence(node, deep=True)
        case _:
            value = loader.construct_mapping(node, deep=True)
    if name == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}


_Loader.add_multi_constructor("!", _intrinsic)


@cache
def _read(name: str) -> Document:
    document: Document = yaml.load((ROOT / name).read_text(), _Loader)
    return document


def template() -> Document:
    """The template; the one copy of it, for reading only."""
    return _read("template.yaml")


def workflow() -> Document:
    """The definition of the state machine "generation", substitutions still in it."""
    return _read("statemachines/generation.asl.yaml")


def storyboard_workflow() -> Document:
    """The definition of the state machine "storyboard", substitutions still in it."""
    return _read("statemachines/storyboard.asl.yaml")


def machine(name: str) -> Document:
    """The properties of a state machine."""
    return resources("AWS::Serverless::StateMachine")[name]


@cache
def resources(kind: str) -> dict[str, Document]:
    """Properties by logical id of every resource of a type; functions have the globals in them."""
    found = {
        name: resource["Properties"]
        for name, resource in template()["Resources"].items()
        if resource["Type"] == kind
    }
    if kind == "AWS::Serverless::Function":
        shared = template()["Globals"]["Function"]
        return {name: _with_globals(shared, own) for name, own in found.items()}
    return found


def _with_globals(shared: Document, own: Document) -> Document:
    """A function as SAM sees it: lists are added up, mappings merged, the rest replaced."""
    merged = dict(shared)
    for name, value in own.items():
        known = shared.get(name)
        if isinstance(known, list):
            merged[name] = known + value
        elif isinstance(known, dict):
            merged[name] = _with_globals(known, value)
        else:
            merged[name] = value
    return merged


@cache
def functions() -> dict[str, Document]:
    """Every function's properties by its verb, the name of its directory.

    A time-out that is a parameter is given in seconds, as an ordinary deployment has it.
    """
    found = resources("AWS::Serverless::Function")
    return {
        Path(function["CodeUri"]).name: {
            **function,
            "Timeout": int(resolved(function["Timeout"], parameters())),
        }
        for function in found.values()
    }


def logical_id(verb: str) -> str:
    """The function's name in the template: FinishFunction for finish."""
    return f"{verb.replace('_', ' ').title().replace(' ', '')}Function"


@cache
def parameters() -> dict[str, str]:
    """Every parameter's default, as text."""
    return {name: str(given["Default"]) for name, given in template()["Parameters"].items()}


def environment(verb: str, **chosen: str) -> dict[str, str]:
    """The variables that a deployment gives a function; `chosen` overrides parameters."""
    variables = functions()[verb]["Environment"]["Variables"]
    given = parameters() | chosen
    return {name: str(resolved(value, given)) for name, value in variables.items()}


def physical_name(name: str) -> str:
    """What we call a resource: TakesBucket becomes takes-bucket."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


def resolved(value: Any, given: Mapping[str, str]) -> Any:
    """A value with its intrinsics carried out; `given` has the parameters."""
    match value:
        case {"Ref": str(name)}:
            return _reference(name, given)
        case {"Fn::GetAtt": [name, "Arn"]}:
            return arn(name)
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{([\w.:]+)\}", lambda m: _substitute(m[1], given), text)
        case dict():
            return {name: resolved(part, given) for name, part in value.items()}
        case list():
            return [resolved(part, given) for part in value]
    return value


def arn(name: str) -> str:
    """The ARN of a resource of the template."""
    own = physical_name(name)
    match template()["Resources"][name]["Type"]:
        case "AWS::Serverless::StateMachine":
            return f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{own}"
        case "AWS::Serverless::Function":
            return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{own}"
        case "AWS::DynamoDB::Table":
            return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{own}"
        case "AWS::S3::Bucket":
            return f"arn:aws:s3:::{own}"
        case "AWS::SQS::Queue":
            return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{own}"
        case "AWS::Events::EventBus":
            return f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{own}"
        case "AWS::SNS::Topic":
            return f"arn:aws:sns:{REGION}:{ACCOUNT}:{own}"
    return f"arn:aws:unknown:{REGION}:{ACCOUNT}:{own}"


def _reference(name: str, given: Mapping[str, str]) -> str:
    pseudo = {"AWS::Region": REGION, "AWS::AccountId": ACCOUNT, "AWS::Partition": "aws"}
    if name in pseudo or name in given:
        return (pseudo | dict(given))[name]
    match template()["Resources"][name]["Type"]:
        case "AWS::Serverless::StateMachine" | "AWS::SNS::Topic":
            return arn(name)
        case "AWS::SQS::Queue":
            return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{physical_name(name)}"
    return physical_name(name)


def _substitute(name: str, given: Mapping[str, str]) -> str:
    resource, _, attribute = name.partition(".")
    return arn(resource) if attribute == "Arn" else _reference(name, given)


def table_definition() -> Document:
    """What CreateTable takes of the template's own table: keys, index, billing, stream."""
    properties = resources("AWS::DynamoDB::Table")["StudioTable"]
    spelt_otherwise = {
        "PointInTimeRecoverySpecification", "SSESpecification", "TimeToLiveSpecification",
    }  # fmt: skip
    taken = {name: value for name, value in properties.items() if name not in spelt_otherwise}
    stream = {"StreamEnabled": True, **properties["StreamSpecification"]}
    return {**taken, "StreamSpecification": stream}


@cache
def routes() -> dict[tuple[str, str], str]:
    """Which verb answers which (method, path) of the HTTP API."""
    return {
        (event["Properties"]["Method"], event["Properties"]["Path"]): verb
        for verb, function in functions().items()
        for event in function.get("Events", {}).values()
        if event["Type"] == "HttpApi"
    }
