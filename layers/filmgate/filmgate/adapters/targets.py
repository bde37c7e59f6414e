"""Which URLs may be asked at all: rules on the text alone, before any name server is asked.

https on port 443 only, no user-info, one canonical form for every host, a host that is listed, and
loopback only where the policy of this process has opened it. A refusal never repeats the URL.
"""

from __future__ import annotations

import ipaddress
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar

from filmgate.adapters import addresses

MAX_URL_LENGTH = 8192
_URL = re.compile(r"(https?)://([^/?#\\@]+)([/?][^#\\]*)?", re.IGNORECASE)
_VISIBLE_ASCII = re.compile(r"[!-~]*")
_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[^:\[\]]+)(?::([1-9][0-9]{0,4}))?", re.IGNORECASE)
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_NUMERIC_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*")


class EgressError(Exception):
    """A request that did not do what was asked. The message is public.

    host is the host's name, None when the address could not be read; reason is the public text.
    """

    proves_not_sent: ClassVar[bool] = False

    def __init__(self, host: str | None, reason: str) -> None:
        super().__init__(f"{host}: {reason}" if host else reason)
        self.host = host
        self.reason = reason


class AddressRefused(EgressError):
    """The URL breaks a rule, its host is not listed, or an address of it is not permitted.

    Nothing was sent to that address; during a download earlier hops were of course asked.
    """

    proves_not_sent = True


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that has passed every rule that needs no name server."""

    scheme: str
    host: str  # lower case ASCII; an IPv6 address without its brackets
    port: int
    resource: str  # path and query
    loopback: bool  # by its name; only possible when the policy allows it

    @property
    def origin(self) -> tuple[str, str, int]:
        return (self.scheme, self.host, self.port)

    @property
    def host_header(self) -> str:
        name = f"[{self.host}]" if ":" in self.host else self.host
        usual = self.port == (443 if self.scheme == "https" else 80)
        return name if usual else f"{name}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host_header}{self.resource}"


def redirected(base: Target, location: str) -> str:
    """Give the URL a redirect leads to; it is checked by the caller like any other."""
    from urllib.parse import urljoin

    # The library drops tabs and line breaks silently; here they end the matter.
    if not location or not _VISIBLE_ASCII.fullmatch(location):
        raise AddressRefused(base.host, "redirects to something that is no address")
    try:
        return urljoin(base.url, location)
    except ValueError:
        raise AddressRefused(base.host, "redirects to something that is no address") from None


def checked_target(url: str, hosts: frozenset[str] | None) -> Target:
    """Give the parts of a URL that passes all rules on text; no name server is asked.

    Raises AddressRefused; the message never repeats the URL.
    """
    parts = _URL.fullmatch(url) if len(url) <= MAX_URL_LENGTH else None
    authority = _AUTHORITY.fullmatch(parts[2]) if parts else None
    if parts is None or authority is None or not _VISIBLE_ASCII.fullmatch(parts[3] or ""):
        raise AddressRefused(None, "not a plain https address")
    scheme = parts[1].lower()
    port = int(authority[2] or (443 if scheme == "https" else 80))
    if port > 65535:
        raise AddressRefused(None, "not a plain https address")
    host = _checked_host(authority[1])
    loopback = addresses.is_loopback(host) or f".{host}".endswith(".localhost")
    if loopback:
        if not addresses.policy.loopback:
            raise AddressRefused(host, "is this machine itself")
    elif scheme != "https" or port != 443:
        raise AddressRefused(host, "only https on port 443 is allowed")
    if hosts is not None and not _is_listed(host, hosts):
        raise AddressRefused(host, "is not on the list of hosts")
    resource = parts[3] or "/"
    if resource.startswith("?"):
        resource = f"/{resource}"
    return Target(scheme, host, port, resource, loopback)


def checked_base(url: str, hosts: frozenset[str]) -> str:
    """Give an owner's own address of a provider in its one form, without a slash at its end.

    Only the hosts listed; this machine itself too, where the policy of this process has opened it.
    Raises AddressRefused.
    """
    target = checked_target(url, None)
    if "?" in target.resource:
        raise AddressRefused(target.host, "takes a path, but no query")
    if not target.loopback:
        target = checked_target(url, hosts)
    return target.url.rstrip("/")


def checked_webhook(url: str) -> str:
    """Give the address of a webhook in its one form: any public host, but no private address.

    Where a name leads is not asked here; whoever connects looks at that each time.
    Raises AddressRefused.
    """
    target = checked_target(url, None)
    if is_address(target.host) and not addresses.policy.permits(target.host):
        raise AddressRefused(target.host, "is an address that is not permitted")
    return target.url


def _checked_host(text: str) -> str:
    """Give a host in its one canonical form: an address, or a lower-case ASCII name.

    Refused are the forms of IPv4 that some resolvers read as numbers (decimal, octal, hex, short),
    a trailing dot, a name of one label, and Unicode that could be read as another name.
    """
    name = text.lower() if text.isascii() else _ascii_name(text)
    if name.startswith("["):
        if not is_address(name[1:-1]) or ":" not in name:
            raise AddressRefused(None, "not an address")
        return ipaddress.IPv6Address(name[1:-1]).compressed
    if not _HOST_NAME.fullmatch(name):
        raise AddressRefused(None, "not a host name")
    labels = name.split(".")
    if _NUMERIC_LABEL.fullmatch(labels[-1]):
        if not is_address(name):
            raise AddressRefused(None, "a number instead of a host name")
    elif len(labels) == 1 and name != "localhost":
        raise AddressRefused(name, "not a public name")
    return name


def _ascii_name(text: str) -> str:
    """Give the ASCII form of a Unicode name if there is only one way to read it.

    IDNA quietly turns full-width digits and dots, ligatures, the Kelvin sign or a German sharp s
    into other letters, and so into another name than the one written; those are refused.
    """
    import unicodedata

    written = text.lower()
    letters = all(sign in ".-" or unicodedata.category(sign)[0] in "LMN" for sign in text)
    if letters and unicodedata.normalize("NFKC", text) == text:
        with suppress(UnicodeError):
            name = written.encode("idna")
            if name.decode("idna") == written:
                return name.decode("ascii").lower()
    raise AddressRefused(None, "a name that could be read as another one")


def is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_listed(host: str, hosts: frozenset[str]) -> bool:
    names = {listed.lower() for listed in hosts}
    if host in names:
        return True
    return not is_address(host) and any(
        listed.startswith(".") and host.endswith(listed) for listed in names
    )
