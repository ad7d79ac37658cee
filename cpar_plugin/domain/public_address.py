"""Which addresses of the internet are those of other people's machines, and of nothing nearer."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

# https://www.iana.org/assignments/ipv6-address-space: the only range from which machines are given public addresses.
_UNICAST: Final = ip_network("2000::/3")
# https://www.iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry. Some of them carry an IPv4
# address inside (6to4, Teredo), which may be a private one. What `is_global` says of them varies by Python's version.
_SPECIAL: Final = tuple(
    ip_network(text)
    for text in (
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # 6to4 relays
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
    )
)


def is_public(text: str) -> bool:
    """Whether a numeric address is a public one: no private network, this machine, multicast, NAT64 or the like.

    Raises ValueError for what is no address.
    """
    address: IPv4Address | IPv6Address = ip_address(text)
    if address.version == 6 and address not in _UNICAST:
        return False
    return address.is_global and not address.is_multicast and not any(address in special for special in _SPECIAL)
