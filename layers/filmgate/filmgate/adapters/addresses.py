"""Which network addresses the gateway may talk to.

`policy` is the one in force. The egress module reads it at every call, so that the development
server, which is not deployed, can replace it; deployed code never does and reads no switch for it.
"""

import ipaddress
from dataclasses import dataclass

# Addresses that `is_global` lets pass, in some or all of Python 3.11 to 3.13, and that can still
# end inside a private network or at the machine's own cloud.
# Sources, read 2026-11-22: the IANA special-purpose registries of IPv4 and IPv6.
_IPV4_NETWORKS = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "192.0.0.0/24",  # IETF protocol assignments
        "192.88.99.0/24",  # 6to4 relays, withdrawn by RFC 7526
        "168.63.129.16/32",  # a cloud's platform services, public by registration only
    )
)
_IPV6_NETWORKS = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "64:ff9b::/96",  # NAT64: any IPv4 address, private ones too, inside an IPv6 one
        "64:ff9b:1::/48",  # NAT64 with a prefix of the network's own
        "2002::/16",  # 6to4, the same trick
        "2001::/32",  # Teredo, the same trick
        "fec0::/10",  # site-local, withdrawn and still routed in places
        "::/96",  # IPv4-compatible, and the unspecified address
    )
)
_LOOPBACK_IPV4 = ipaddress.IPv4Network("127.0.0.0/8")
_LOOPBACK_IPV6 = ipaddress.IPv6Address("::1")


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Give the address with IPv4-mapped forms unwrapped; None for what is not a plain address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.scope_id is not None:
            return None  # A scope picks an interface of this machine: never a provider.
        return parsed.ipv4_mapped or parsed
    return parsed


def is_loopback(address: str) -> bool:
    """Tell whether an address in text form is in 127.0.0.0/8 or is ::1."""
    match _parsed(address):
        case ipaddress.IPv4Address() as parsed:
            return parsed in _LOOPBACK_IPV4
        case parsed:
            return parsed == _LOOPBACK_IPV6


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """What may be connected to: public addresses and, for local development only, loopback."""

    loopback: bool = False

    def permits(self, address: str) -> bool:
        """Tell whether to connect to `address`, an IPv4 or IPv6 address in its usual text form.

        Anything else (a name, a number, an octal form, an address with a scope) is refused.
        """
        if is_loopback(address):
            return self.loopback
        match _parsed(address):
            case ipaddress.IPv4Address() as parsed:
                special = any(parsed in network for network in _IPV4_NETWORKS)
            case ipaddress.IPv6Address() as parsed:
                special = any(parsed in network for network in _IPV6_NETWORKS)
            case _:
                return False
        return parsed.is_global and not parsed.is_multicast and not special


policy = AddressPolicy()
