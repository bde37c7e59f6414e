"""Deploy a SAM template to the AWS on this machine, as `sam build` and `sam deploy` would.

One difference: third-party packages of a layer's requirements.txt are not bundled. On this
machine the virtual environment, installed from the same lock, plays that part: every
function's process finds it behind its own code and its layers. Our own packages are bundled
and travel as they do on AWS.
"""

import hashlib
import io
import json
import stat
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from samtranslator.yaml_helper import yaml_parse

from local.clients import client_for

_parse_yaml: Callable[[str], Any] = yaml_parse

# The first moment a zip file can name, so that equal files make equal archives.
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
NOT_PACKAGED = frozenset({"__pycache__", ".DS_Store", "requirements.txt"})
CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
POLL_S = 0.05
DEPLOY_LIMIT_S = 300.0
# A stack in these states takes no update; it has to go first.
UNUSABLE = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"})


class DeployFailed(RuntimeError):
    """The stack did not reach the template; the message holds each resource's own reason."""


@dataclass(frozen=True)
class Packaged:
    """A template whose code is in the artefact bucket; `digest` changes with any of it."""

    template: dict[str, Any]
    artefacts: dict[str, bytes]
    digest: str


def deploy(
    template: Path,
    *,
    stack_name: str,
    parameters: Mapping[str, str],
    endpoint_url: str,
    build_dir: Path,
) -> dict[str, str]:
    """Bring the stack to the template and give its outputs.

    Nothing is sent when template, code and parameters are those of the last deploy and the
    stack is still there. `build_dir` remembers that. Raises DeployFailed.
    """
    packaged = package(template, bucket=artefact_bucket(stack_name))
    digest = _digest(packaged.digest, dict(parameters))
    memory = build_dir / f"{stack_name}.json"
    stack = describe(stack_name, endpoint_url)
    if stack and _usable(stack) and _remembered(memory) == _identity(digest, stack):
        return outputs_of(stack)
    _upload(packaged, artefact_bucket(stack_name), endpoint_url)
    stack = _create_or_update(
        packaged, stack_name=stack_name, parameters=parameters, endpoint_url=endpoint_url
    )
    build_dir.mkdir(parents=True, exist_ok=True)
    memory.write_text(json.dumps(_identity(digest, stack)))
    return outputs_of(stack)


def artefact_bucket(stack_name: str) -> str:
    return f"{stack_name.lower()}-artefacts"


def package(template: Path, *, bucket: str) -> Packaged:
    """Read the template and put an S3 place wherever it names a local directory or file."""
    document = _parse_yaml(template.read_text())
    artefacts: dict[str, bytes] = {}

    def place(content: bytes, suffix: str) -> dict[str, str]:
        key = f"{hashlib.sha256(content).hexdigest()}{suffix}"
        artefacts[key] = content
        return {"Bucket": bucket, "Key": key}

    shared = (document.get("Globals") or {}).get("Function") or {}
    root = template.parent
    for resource in (document.get("Resources") or {}).values():
        properties = resource.setdefault("Properties", {})
        match resource.get("Type"):
            case "AWS::Serverless::Function" if "InlineCode" not in properties:
                source = properties.get("CodeUri", shared.get("CodeUri"))
                if isinstance(source, str):
                    properties["CodeUri"] = place(function_archive(root / source), ".zip")
            case "AWS::Serverless::LayerVersion":
                if isinstance(properties.get("ContentUri"), str):
                    content = layer_archive(root / properties["ContentUri"])
                    properties["ContentUri"] = place(content, ".zip")
            case "AWS::Serverless::StateMachine":
                if isinstance(properties.get("DefinitionUri"), str):
                    definition = definition_json(root / properties["DefinitionUri"])
                    properties["DefinitionUri"] = place(definition, ".json")
    return Packaged(document, artefacts, _digest(document))


def function_archive(directory: Path) -> bytes:
    """The zip of a function's directory."""
    return archive(directory, prefix="")


def layer_archive(directory: Path) -> bytes:
    """The zip of a layer: our packages below `python/`, without what requirements.txt names."""
    already_laid_out = (directory / "python").is_dir()
    return archive(directory, prefix="" if already_laid_out else "python/")


def archive(directory: Path, *, prefix: str) -> bytes:
    """A zip whose bytes depend on file names and contents only."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name, path in packaged_files(directory):
            entry = zipfile.ZipInfo(prefix + name, ZIP_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, whatever machine this runs on.
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            target.writestr(entry, path.read_bytes())
    return buffer.getvalue()


def packaged_files(directory: Path) -> Iterator[tuple[str, Path]]:
    """(name, path) of every file that is deployed, sorted by name.

    Raises FileNotFoundError when the directory of a template does not exist.
    """
    if not directory.is_dir():
        raise FileNotFoundError(f"the template names {directory}, which is no directory")
    for path in sorted(directory.rglob("*")):
        inside = path.relative_to(directory)
        if path.is_file() and not NOT_PACKAGED.intersection(inside.parts):
            yield inside.as_posix(), path


def definition_json(path: Path) -> bytes:
    """A state machine's definition as JSON, from YAML or JSON.

    CloudFormation turns YAML into JSON before it puts DefinitionSubstitutions in, so a
    substituted value is always a string; that order is kept here.
    """
    document = _parse_yaml(path.read_text())
    if not isinstance(document, dict) or "States" not in document:
        raise DeployFailed(f"{path.name} is no state machine definition")
    return json.dumps(document, indent=1).encode()


def describe(stack_name: str, endpoint_url: str) -> dict[str, Any] | None:
    """The stack as CloudFormation describes it, or None when there is none."""
    try:
        stacks = client_for("cloudformation", endpoint_url).describe_stacks(StackName=stack_name)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            return None
        raise
    return stacks["Stacks"][0]  # type: ignore[no-any-return]


def outputs_of(stack: Mapping[str, Any]) -> dict[str, str]:
    return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}


def _create_or_update(
    packaged: Packaged, *, stack_name: str, parameters: Mapping[str, str], endpoint_url: str
) -> dict[str, Any]:
    cloudformation = client_for("cloudformation", endpoint_url)
    stack = describe(stack_name, endpoint_url)
    if stack and stack["StackStatus"] in UNUSABLE:
        cloudformation.delete_stack(StackName=stack_name)
        _wait(stack_name, endpoint_url, until_gone=True)
        stack = None
    bucket = artefact_bucket(stack_name)
    request = {
        "StackName": stack_name,
        "TemplateURL": f"{endpoint_url}/{bucket}/{packaged.digest}.template.json",
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
        ],
        "Capabilities": CAPABILITIES,
    }
    started_at = time.time()
    try:
        if stack is None:
            cloudformation.create_stack(**request)
        else:
            cloudformation.update_stack(**request)
    except ClientError as error:
        reason = error.response["Error"]["Message"]
        if stack is not None and "No updates are to be performed" in reason:
            return stack
        raise DeployFailed(f"{stack_name}: {reason}") from error
    finished = _wait(stack_name, endpoint_url)
    if not finished or not _usable(finished) or "ROLLBACK" in finished["StackStatus"]:
        raise DeployFailed(_failure(stack_name, endpoint_url, finished, started_at))
    return finished


def _wait(stack_name: str, endpoint_url: str, *, until_gone: bool = False) -> dict[str, Any] | None:
    """The stack once it rests, or None once it is gone."""
    give_up_at = time.monotonic() + DEPLOY_LIMIT_S
    while time.monotonic() < give_up_at:
        stack = describe(stack_name, endpoint_url)
        if stack is None or stack["StackStatus"] == "DELETE_COMPLETE":
            return None
        if not until_gone and not stack["StackStatus"].endswith("_IN_PROGRESS"):
            return stack
        time.sleep(POLL_S)
    raise DeployFailed(f"{stack_name} did not come to rest within {DEPLOY_LIMIT_S:.0f} s")


def _failure(
    stack_name: str, endpoint_url: str, stack: Mapping[str, Any] | None, started_at: float
) -> str:
    """What went wrong, resource by resource, oldest first."""
    events = client_for("cloudformation", endpoint_url).describe_stack_events(StackName=stack_name)[
        "StackEvents"
    ]
    lines = [
        f"  {event['LogicalResourceId']} ({event['ResourceType']}): "
        f"{event.get('ResourceStatusReason', event['ResourceStatus'])}"
        for event in reversed(events)
        if event["ResourceStatus"].endswith("_FAILED")
        and event["Timestamp"].timestamp() >= int(started_at)
    ]
    status = stack["StackStatus"] if stack else "gone"
    reason = (stack or {}).get("StackStatusReason", "")
    return "\n".join([f"{stack_name} is {status}. {reason}".rstrip(), *lines])


def _upload(packaged: Packaged, bucket: str, endpoint_url: str) -> None:
    s3 = client_for("s3", endpoint_url)
    s3.create_bucket(Bucket=bucket)
    present = {
        each["Key"]
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        for each in page.get("Contents", [])
    }
    template = {f"{packaged.digest}.template.json": json.dumps(packaged.template).encode()}
    for key, content in (packaged.artefacts | template).items():
        if key not in present:
            s3.put_object(Bucket=bucket, Key=key, Body=content)


def _usable(stack: Mapping[str, Any]) -> bool:
    return stack["StackStatus"].endswith("_COMPLETE") and stack["StackStatus"] not in (
        UNUSABLE | {"DELETE_COMPLETE"}
    )


def _remembered(memory: Path) -> dict[str, str] | None:
    try:
        return json.loads(memory.read_text())  # type: ignore[no-any-return]
    except (FileNotFoundError, ValueError):
        return None


def _identity(digest: str, stack: Mapping[str, Any]) -> dict[str, str]:
    """What was deployed and to which state of which stack.

    The time of the last change is part of it: a server that was killed in the middle of a deploy
    comes back with the stack as it was before, whatever this directory remembers.
    """
    changed_at = stack.get("LastUpdatedTime") or stack["CreationTime"]
    return {"digest": digest, "stack": stack["StackId"], "changed_at": changed_at.isoformat()}


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
