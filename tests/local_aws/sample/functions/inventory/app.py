"""Notes every watched item that the table's stream tells of, and every upload."""

import os

import shelf


def handler(event, context):
    table = shelf.table(os.environ["ITEM_TABLE_NAME"])
    for record in event["Records"]:
        if "s3" in record:
            name = record["s3"]["object"]["key"]
        else:
            name = record["dynamodb"]["Keys"]["id"]["S"]
        table.put_item(Item={"id": f"seen/{name}"})
