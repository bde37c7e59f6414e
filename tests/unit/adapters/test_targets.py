"""An owner's own address of a provider: one form, on the list, and nothing but a place."""

import pytest

from filmgate.adapters import addresses
from filmgate.adapters.addresses import AddressPolicy
from filmgate.adapters.targets import AddressRefused, checked_base, checked_webhook

HOSTS = frozenset({"api.vendor.example", ".proxy.example"})


@pytest.mark.parametrize(
    ("url", "form"),
    [
        ("https://api.vendor.example", "https://api.vendor.example"),
        ("HTTPS://API.Vendor.Example/", "https://api.vendor.example"),
        ("https://api.vendor.example:443/v2//", "https://api.vendor.example/v2"),
        ("https://eu.proxy.example/mj", "https://eu.proxy.example/mj"),
    ],
)
def test_a_listed_address_has_one_form(url: str, form: str) -> None:
    assert checked_base(url, HOSTS) == form


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://api.vendor.example/?a=b", "no query"),
        ("https://api.vendor.example/v2?", "no query"),
        ("https://api.vendor.example/#a", "not a plain https address"),
        ("https://key@api.vendor.example", "not a plain https address"),
        ("https://api.vendor.example\\@evil.example", "not a plain https address"),
        ("ftp://api.vendor.example", "not a plain https address"),
        ("http://api.vendor.example", "only https on port 443"),
        ("https://api.vendor.example:444", "only https on port 443"),
        ("https://proxy.example", "not on the list"),
        ("https://93.184.216.34", "not on the list"),
        ("https://localhost", "this machine itself"),
        ("https://[::1]/", "this machine itself"),
        ("https://2130706433", "number instead of a host name"),
    ],
)
def test_any_other_address_is_refused(url: str, reason: str) -> None:
    with pytest.raises(AddressRefused, match=reason):
        checked_base(url, HOSTS)


def test_a_process_that_is_open_to_loopback_takes_this_machine_without_a_list(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(addresses, "policy", AddressPolicy(loopback=True))

    assert checked_base("http://127.0.0.1:8790/dalle/", HOSTS) == "http://127.0.0.1:8790/dalle"
    with pytest.raises(AddressRefused, match="not on the list"):
        checked_base("https://evil.example", HOSTS)


@pytest.mark.parametrize(
    ("url", "form"),
    [
        ("https://hooks.example", "https://hooks.example/"),
        ("HTTPS://Hooks.Example:443/a?b=c", "https://hooks.example/a?b=c"),
        ("https://8.8.8.8/hook", "https://8.8.8.8/hook"),
    ],
)
def test_a_webhook_may_go_to_any_public_host(url: str, form: str) -> None:
    assert checked_webhook(url) == form


@pytest.mark.parametrize("host", ["169.254.169.254", "10.0.0.1", "[fd00::1]", "[::ffff:10.0.0.1]"])
def test_a_webhook_to_a_private_address_is_refused_even_where_loopback_is_open(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setattr(addresses, "policy", AddressPolicy(loopback=True))

    with pytest.raises(AddressRefused, match="not permitted"):
        checked_webhook(f"https://{host}/hook")
    assert checked_webhook("http://127.0.0.1:9000/hook") == "http://127.0.0.1:9000/hook"
