"""The shop's API."""

import json
import os

import shelf


def handler(event, context):
    route = event["routeKey"]
    if route == "POST /raise":
        raise RuntimeError("the safe is behind the painting")
    if route == "GET /large":
        return {"statusCode": 200, "body": "x" * 7_000_000}
    if route == "GET /open":
        return {"statusCode": 200, "body": json.dumps(secret_and_object())}
    if route == "$default":
        return {"statusCode": 404, "body": json.dumps({"nothing at": event["rawPath"]})}
    item = {"id": event["pathParameters"]["id"], "watched": True}
    table = shelf.table(os.environ["ITEM_TABLE_NAME"])
    if route.startswith("PUT"):
        table.put_item(Item=item | {"note": event.get("body")})
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json", "x-shop": "open"},
        "cookies": ["a=1", "b=2"],
        "body": json.dumps(
            {
                "item": item["id"],
                "user": event["requestContext"]["authorizer"]["lambda"]["user"],
                "query": event.get("queryStringParameters"),
                "host": event["headers"]["host"],
            }
        ),
    }


def secret_and_object():
    import boto3

    secret = boto3.client("secretsmanager").get_secret_value(SecretId=os.environ["SECRET_ARN"])
    s3 = boto3.client("s3")
    s3.put_object(Bucket=os.environ["BUCKET_NAME"], Key="a/b.txt", Body=b"goods")
    read = s3.get_object(Bucket=os.environ["BUCKET_NAME"], Key="a/b.txt")["Body"].read()
    link = s3.generate_presigned_url(
        "get_object", Params={"Bucket": os.environ["BUCKET_NAME"], "Key": "a/b.txt"}, ExpiresIn=60
    )
    return {
        "secret": json.loads(secret["SecretString"])["key"],
        "object": read.decode(),
        "link": link,
    }
