"""One local stack for all of these tests, on ports and in a directory of its own."""

from collections.abc import Iterator

import pytest
from local_shop import OF_THE_HOST, PARAMETERS, ROOT, SAMPLE, Shop, timed

from local.ports import Ports
from local.stack import LocalStack


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    stack = LocalStack(
        ROOT,
        Ports.unused(),
        tmp_path_factory.mktemp("local"),
        template=SAMPLE,
        stack_name="shop",
        simulators=False,
    )
    with pytest.MonkeyPatch.context() as environment:
        for name, value in OF_THE_HOST.items():
            environment.setenv(name, value)
        with timed("server start"):
            stack.start()
        try:
            shop = prepared(stack)
        except BaseException:
            stack.stop()
            raise
    yield shop
    with timed("stop"):
        stack.stop()


def prepared(stack: LocalStack) -> Shop:
    """The shop, deployed to a stack that has just started."""
    shop = Shop(stack)
    before = shop.request("GET", "/open")
    assert (before.status, before.json["code"]) == (503, "not-configured")
    assert before.headers["content-type"] == "application/problem+json"
    assert before.headers["retry-after"]
    with timed("first deploy"):
        shop.outputs = stack.deploy(PARAMETERS)
    return shop
