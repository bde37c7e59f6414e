"""TransactWriteItems, on which the product's money rests."""

from concurrent.futures import ThreadPoolExecutor

from botocore.exceptions import ClientError
from local_shop import Shop

LIMIT = 60
THREADS = 12
TRIES_PER_THREAD = 10


def test_a_conditional_transaction_is_exact_under_twelve_threads(shop: Shop) -> None:
    dynamodb = shop.client("dynamodb")
    table = shop.outputs["TableName"]
    budget = {"id": {"S": "budget"}}
    dynamodb.put_item(TableName=table, Item=budget | {"spent": {"N": "0"}})

    def spend(thread: int) -> int:
        return sum(spend_one(f"{thread}-{attempt}") for attempt in range(TRIES_PER_THREAD))

    def spend_one(name: str) -> bool:
        try:
            dynamodb.transact_write_items(
                TransactItems=[
                    {
                        "Update": {
                            "TableName": table,
                            "Key": budget,
                            "UpdateExpression": "ADD spent :one",
                            "ConditionExpression": "spent < :limit",
                            "ExpressionAttributeValues": {
                                ":one": {"N": "1"},
                                ":limit": {"N": str(LIMIT)},
                            },
                        }
                    },
                    {
                        "Put": {
                            "TableName": table,
                            "Item": {"id": {"S": f"entry/{name}"}},
                            "ConditionExpression": "attribute_not_exists(id)",
                        }
                    },
                ]
            )
        except ClientError as error:
            reasons = [reason["Code"] for reason in error.response["CancellationReasons"]]
            assert reasons == ["ConditionalCheckFailed", "None"]
            return False
        return True

    with ThreadPoolExecutor(THREADS) as pool:
        spent = sum(pool.map(spend, range(THREADS)))

    read = dynamodb.get_item(TableName=table, Key=budget, ConsistentRead=True)["Item"]
    entries = dynamodb.scan(
        TableName=table,
        FilterExpression="begins_with(id, :entry)",
        ExpressionAttributeValues={":entry": {"S": "entry/"}},
    )["Count"]
    assert (spent, int(read["spent"]["N"]), entries) == (LIMIT, LIMIT, LIMIT)
