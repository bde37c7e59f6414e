"""The HTTP API of a SAM template, called at the front door."""

import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
from local_shop import Shop, timed


def test_a_route_with_a_path_parameter_is_found(shop: Shop) -> None:
    reply = shop.request("GET", "/items/a%20b?size=9&size=10")

    assert reply.status == 200
    assert reply.json["item"] == "a b"
    assert reply.json["query"] == {"size": "9,10"}
    assert reply.headers["x-shop"] == "open"
    assert reply.headers.get_all("set-cookie") == ["a=1", "b=2"]


def test_the_host_that_was_called_reaches_the_handler(shop: Shop) -> None:
    assert shop.request("GET", "/items/1").json["host"] == shop.stack.url.removeprefix("http://")


def test_what_the_authorizer_found_out_reaches_the_handler(shop: Shop) -> None:
    assert shop.request("GET", "/items/1", user="zoe").json["user"] == "zoe"


def test_an_authorizer_without_identity_sources_is_always_asked(shop: Shop) -> None:
    assert shop.request("GET", "/items/1", user=None).status == 403
    assert shop.request("GET", "/items/1", user="nobody").status == 403
    assert shop.request("GET", "/items/1", user="ann").status == 200


def test_an_unknown_path_takes_the_default_route(shop: Shop) -> None:
    reply = shop.request("POST", "/some/where?x=1", body="{}", user=None)

    assert reply.status == 404
    assert reply.json == {"nothing at": "/some/where"}


def test_a_handler_that_raises_is_a_500_that_tells_nothing(shop: Shop) -> None:
    reply = shop.request("POST", "/raise")

    assert reply.status == 500
    assert reply.json == {"message": "Internal Server Error"}
    assert b"painting" not in reply.body


def test_a_response_over_six_megabytes_fails(shop: Shop) -> None:
    assert shop.request("GET", "/large").status == 500


def test_a_request_over_six_megabytes_is_refused(shop: Shop) -> None:
    assert shop.request("PUT", "/items/1", body="x" * 6_400_000).status == 413


def test_a_function_reads_its_secret_and_its_bucket(shop: Shop) -> None:
    seen = shop.request("GET", "/open").json

    assert (seen["secret"], seen["object"]) == ("sesame", "goods")


def test_a_link_that_a_function_signs_works_until_it_is_changed(shop: Shop) -> None:
    link = shop.request("GET", "/open").json["link"]

    with urllib.request.urlopen(link) as reply:
        assert reply.read() == b"goods"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(link.replace("a/b.txt", "a/c.txt"))


def test_thirty_parallel_requests_are_answered(shop: Shop) -> None:
    shop.request("GET", "/items/0")
    with timed("warm request"):
        shop.request("GET", "/items/0")

    with timed("30 parallel requests"), ThreadPoolExecutor(30) as pool:
        replies = list(pool.map(lambda n: shop.request("GET", f"/items/{n}"), range(30)))

    assert [reply.status for reply in replies] == [200] * 30
    assert [reply.json["item"] for reply in replies] == [str(n) for n in range(30)]
