"""Reports what a function's process is like."""

import importlib.util
import json
import os
import sys
import time

import shelf


def handler(event, context):
    if event.get("sleep_s"):
        time.sleep(event["sleep_s"])
    if event.get("denied"):
        import boto3

        boto3.client("s3").put_object(Bucket=os.environ["BUCKET_NAME"], Key="x", Body=b"x")
    if event.get("metric"):
        print(
            json.dumps(
                {
                    "_aws": {
                        "Timestamp": 1,
                        "CloudWatchMetrics": [
                            {
                                "Namespace": "shop",
                                "Dimensions": [["stage"]],
                                "Metrics": [{"Name": "sold", "Unit": "Count"}],
                            }
                        ],
                    },
                    "stage": os.environ["STAGE"],
                    "sold": event["metric"],
                }
            )
        )
    return {
        "environment": dict(os.environ),
        "path": sys.path,
        "interpreter": sys.executable,
        "layer": shelf.ORIGIN,
        "finds_local": importlib.util.find_spec("local") is not None,
        "process": os.getpid(),
        "remaining_ms": context.get_remaining_time_in_millis(),
    }
