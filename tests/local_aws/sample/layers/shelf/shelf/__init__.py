"""A package that reaches the functions as a layer."""

ORIGIN = __file__


def table(name: str):
    import boto3

    return boto3.resource("dynamodb").Table(name)
