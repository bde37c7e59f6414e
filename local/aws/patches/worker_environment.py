"""A function sees the variables of its template and those of Lambda, nothing of this machine.

Trap: ministack copies the server's environment into every function: search paths, proxies,
certificates, credentials and AWS_ENDPOINT_URL of whoever started it. Code that works by such
an accident fails on AWS.
Workaround: the environment is built from nothing: what Lambda defines
(docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html, from memory), what the
template says, and AWS_ENDPOINT_URL, by which every SDK call lands here. The two AWS_*_FILE
variables keep boto3 from reading the home directory; on Lambda there is none to read.
PYTHONPATH carries code and layers to the bootstrap, which takes it away again.
Upstream: a decision of ministack's (`dict(os.environ)`), no report known.
"""

import os
import sys
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from local.aws.code_store import CodeStore
from local.aws.patches.hooks import original, replace
from local.aws.patches.shared_code import bootstrap_script, layer_directories
from local.aws.settings import REGION, ServerSettings

SEARCH_PATH = "/usr/local/bin:/usr/bin:/bin"


def logging_variables(config: dict[str, Any]) -> dict[str, str]:
    """What Lambda sets for the function's LoggingConfig."""
    logging = config.get("LoggingConfig") or {}
    variables = {
        "AWS_LAMBDA_LOG_GROUP_NAME": logging.get("LogGroup")
        or f"/aws/lambda/{config['FunctionName']}",
    }
    if logging.get("LogFormat") == "JSON":
        variables["AWS_LAMBDA_LOG_FORMAT"] = "JSON"
        variables["AWS_LAMBDA_LOG_LEVEL"] = logging.get("ApplicationLogLevel") or "INFO"
    return variables


def apply(settings: ServerSettings) -> None:
    store = CodeStore(settings.layout.code, bootstrap=bootstrap_script())
    credentials_of = original(lambda_runtime, "execution_credentials")
    template_variables = original(lambda_svc, "_runtime_env_vars")
    new_identifier = original(lambda_svc, "new_uuid")

    def environment(config: dict[str, Any], code_dir: str, port: int) -> dict[str, str]:
        search = [code_dir, *layer_directories(store, config)]
        return {
            "PATH": SEARCH_PATH,
            "LANG": "C.UTF-8",
            "TZ": ":UTC",
            "PYTHONPATH": os.pathsep.join(search),
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EXECUTION_ENV": "AWS_Lambda_python{}.{}".format(*sys.version_info),
            "AWS_LAMBDA_FUNCTION_NAME": config["FunctionName"],
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.get("MemorySize", 128)),
            "AWS_LAMBDA_FUNCTION_VERSION": config.get("Version", "$LATEST"),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_STREAM_NAME": new_identifier(),
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_ENDPOINT_URL": settings.endpoint_url,
            "LAMBDA_TASK_ROOT": code_dir,
            "_HANDLER": config.get("Handler", ""),
            **logging_variables(config),
            **credentials_of(config),
            **template_variables(config),
        }

    replace(lambda_svc, "_provided_worker_env", environment)
