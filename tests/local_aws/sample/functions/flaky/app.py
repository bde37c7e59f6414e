"""Fails as its input says."""

import os
import time

import shelf


class Throttled(Exception):
    """Asked too often; works the third time."""


class Refused(Exception):
    """Will never work."""


def handler(event, context):
    if event["kind"] == "refused":
        raise Refused("not for sale")
    counted = shelf.table(os.environ["ITEM_TABLE_NAME"]).update_item(
        Key={"id": f"tries/{event['id']}"},
        UpdateExpression="ADD tries :one",
        ExpressionAttributeValues={":one": 1},
        ReturnValues="ALL_NEW",
    )
    tries = int(counted["Attributes"]["tries"])
    if event["kind"] == "throttled" and tries < 3:
        raise Throttled("come again")
    if event["kind"] == "hanging" and tries < 2:
        time.sleep(9)
    return {"tries": tries}
