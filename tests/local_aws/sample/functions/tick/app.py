"""Notes when it was called and when it was done; takes as long as the item `tick` says."""

import os
import time

import shelf


def handler(event, context):
    table = shelf.table(os.environ["ITEM_TABLE_NAME"])
    began_ms = time.time_ns() // 1_000_000
    time.sleep(int(table.get_item(Key={"id": "tick"}).get("Item", {}).get("takes_ms", 0)) / 1000)
    table.update_item(
        Key={"id": "tick"},
        UpdateExpression="SET calls = list_append(if_not_exists(calls, :none), :call)",
        ExpressionAttributeValues={
            ":none": [],
            ":call": [[began_ms, time.time_ns() // 1_000_000]],
        },
    )
