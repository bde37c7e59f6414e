"""Which addresses pass, net by net."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmgate.adapters import addresses
from filmgate.adapters.addresses import AddressPolicy, is_loopback

PUBLIC = ["8.8.8.8", "1.1.1.1", "104.18.6.192", "2606:4700::6812:6c0", "2001:4860:4860::8888"]
MAPPED_PUBLIC = ["::ffff:8.8.8.8", "::ffff:808:808"]
LOOPBACK = ["127.0.0.1", "127.0.0.0", "127.1.2.3", "127.255.255.255", "::1", "::ffff:127.0.0.1"]
REFUSED = [
    # private, shared, link-local, documentation, benchmarks, reserved, broadcast
    *["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "100.64.0.1", "169.254.169.254"],
    *["169.254.170.2", "0.0.0.0", "0.1.2.3", "192.0.2.1", "198.51.100.1", "203.0.113.1"],
    *["198.18.0.1", "240.0.0.1", "255.255.255.255"],
    # the listed networks of IPv4, first and last
    *["192.0.0.0", "192.0.0.9", "192.0.0.255", "192.88.99.0", "192.88.99.255", "168.63.129.16"],
    # multicast, of either kind, global scope included
    *["224.0.0.1", "232.1.1.1", "239.255.255.255", "ff02::1", "ff0e::1", "::ffff:224.0.0.1"],
    # the listed networks of IPv6, first and last
    *["64:ff9b::", "64:ff9b::7f00:1", "64:ff9b::8.8.8.8", "64:ff9b::ffff:ffff"],
    *["64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "2002::", "2002:7f00:1::1"],
    *["2002:808:808::1", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001::", "2001::1"],
    *["2001:0:ffff:ffff:ffff:ffff:ffff:ffff", "fec0::", "fec0::1", "feff:ffff::1"],
    *["::", "::2", "::8.8.8.8", "::127.0.0.1", "::ffff:ffff"],
    # unique local, link-local, documentation, discard
    *["fc00::1", "fd00:ec2::254", "fe80::1", "2001:db8::1", "100::1"],
    # mapped forms of what is refused plain
    *["::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "::ffff:168.63.129.16", "::ffff:192.88.99.1"],
]
NO_ADDRESS = [
    *["", " ", "localhost", "8.8.8.8 ", " 8.8.8.8", "8.8.8.8\n", "8.8.8.8.", "8.8.8", "8.8.8.8.8"],
    *["134744072", "0x08080808", "010.8.8.8", "8.8.8.0x8", "8.8.8.256", "8.8.8.8/32", "[::1]"],
    *["８.8.8.8", "2001:4860:4860::8888%eth0", "fe80::1%1", "::1%lo", ":::1", "example.com"],
]


@pytest.mark.parametrize("address", PUBLIC + MAPPED_PUBLIC)
def test_a_public_address_is_permitted(address: str) -> None:
    assert AddressPolicy().permits(address)
    assert AddressPolicy(loopback=True).permits(address)


@pytest.mark.parametrize("address", REFUSED + NO_ADDRESS)
def test_what_is_special_or_no_address_is_refused_under_either_policy(address: str) -> None:
    assert not AddressPolicy().permits(address)
    assert not AddressPolicy(loopback=True).permits(address)
    assert not is_loopback(address)


@pytest.mark.parametrize("address", LOOPBACK)
def test_loopback_needs_the_policy_of_the_development_server(address: str) -> None:
    assert is_loopback(address)
    assert not AddressPolicy().permits(address)
    assert AddressPolicy(loopback=True).permits(address)


@pytest.mark.parametrize("address", ["63.255.255.255", "168.63.129.15", "168.63.129.17"])
@pytest.mark.parametrize("form", ["{}", "::ffff:{}"])
def test_neighbours_of_a_listed_address_are_permitted(address: str, form: str) -> None:
    assert AddressPolicy().permits(form.format(address))


def test_the_policy_in_force_does_not_allow_loopback() -> None:
    assert addresses.policy == AddressPolicy(loopback=False)


@given(st.ip_addresses(v=4))
def test_a_mapped_address_fares_like_the_plain_one(address: ipaddress.IPv4Address) -> None:
    for policy in (AddressPolicy(), AddressPolicy(loopback=True)):
        assert policy.permits(f"::ffff:{address}") == policy.permits(str(address))


@given(st.text(max_size=40))
def test_no_text_makes_it_fail(text: str) -> None:
    assert AddressPolicy().permits(text) in (True, False)
