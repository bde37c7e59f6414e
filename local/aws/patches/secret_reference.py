"""`!Ref` of a secret is its ARN.

Trap: ministack's physical id of AWS::SecretsManager::Secret is the secret's name, so a policy
made from `!Ref` names no resource, and with IAM enforced the function is denied. On AWS
Ref gives the ARN of the secret (docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/
aws-resource-secretsmanager-secret.html, from memory).
Workaround: the physical id becomes the ARN, and is turned back into the name for ministack.
Upstream: no report known.
"""

from typing import Any

from ministack.services.cloudformation import provisioners

from local.aws.patches.hooks import PatchTargetMissing, original
from local.aws.settings import ServerSettings

SECRET_TYPE = "AWS::SecretsManager::Secret"
SUFFIX_LENGTH = 7  # "-" and six characters that end a secret's ARN


def secret_name(physical_id: str) -> str:
    """The name in a secret's ARN; a name is given back as it is (stacks made before)."""
    if not physical_id.startswith("arn:"):
        return physical_id
    return physical_id.split(":", 6)[6][:-SUFFIX_LENGTH]


def apply(settings: ServerSettings) -> None:
    handlers = original(provisioners, "_RESOURCE_HANDLERS").get(SECRET_TYPE)
    if not handlers or not {"create", "update", "delete"} <= set(handlers):
        raise PatchTargetMissing(f"no create, update and delete for {SECRET_TYPE}")
    create, update, delete = handlers["create"], handlers["update"], handlers["delete"]

    def create_secret(logical_id: str, props: dict[str, Any], stack_name: str) -> Any:
        _, attributes = create(logical_id, props, stack_name)
        return attributes["Arn"], attributes

    def update_secret(physical_id: str, *rest: Any) -> Any:
        _, attributes = update(secret_name(physical_id), *rest)
        return attributes["Arn"], attributes

    def delete_secret(physical_id: str, *rest: Any) -> None:
        delete(secret_name(physical_id), *rest)

    handlers.update(create=create_secret, update=update_secret, delete=delete_secret)
