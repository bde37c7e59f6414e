"""Rights to read a table's stream are asked for that very stream.

Trap: with IAM enforced, ministack asks whether a role may read streams at all (resource "*"), so a
policy that names its one stream, as it should, is denied. On AWS GetShardIterator, GetRecords and
DescribeStream are checked against the stream's ARN (docs.aws.amazon.com/service-authorization/
latest/reference/list_amazondynamodb.html, from memory).
Workaround: the resource is the stream of the request: its StreamArn, or the one in its iterator.
Upstream: no report known.
"""

import json
from typing import Any

from ministack.core import iam_actions
from ministack.services import dynamodb_streams

from local.aws.patches.hooks import original, wrap
from local.aws.settings import ServerSettings

ANY = "*"


def apply(settings: ServerSettings) -> None:
    decode = original(dynamodb_streams, "_decode_iterator")

    def stream_in(body: bytes) -> str:
        try:
            asked = json.loads(body or b"{}")
        except ValueError:
            return ANY
        match asked:
            case {"StreamArn": str(arn)}:
                return arn
            case {"ShardIterator": str(iterator)}:
                return str((decode(iterator) or {}).get("arn", ANY))
        return ANY

    def with_streams(extract: Any) -> Any:
        def extract_resource_arn(
            service: str, method: str, path: str, headers: Any, body: bytes, *rest: Any
        ) -> str:
            known = str(extract(service, method, path, headers, body, *rest))
            is_open = known == ANY and service.startswith("dynamodb")
            return stream_in(body) if is_open else known

        return extract_resource_arn

    wrap(iam_actions, "extract_resource_arn", with_streams)
