"""Names and addresses of hosts."""

from __future__ import annotations

import ipaddress


def address_of(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a text is; None for a name."""
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens there."""
    address = address_of(host)
    return host.lower() == "localhost" or (address is not None and address.is_loopback)
