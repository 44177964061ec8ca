"""Keeps web pages out: where no key is asked for, whose request it is must show in its headers.

A page in the user's browser can send requests to any port of this machine, under its own name (Origin) or,
after rebinding a name that it owns to 127.0.0.1, under that name (Host). Both are refused. A server beyond
loopback asks for keys, which such a page does not have: it may be reached under any name. So may one on loopback that
asks for keys, under the name by which a proxy on this machine serves it.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from headrace.local.hosts import address_of, is_loopback
from headrace.local.webserver import Response, error_response

_WILDCARDS = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - to recognise, not to bind


class Guard:
    """Decides by `Host` and `Origin` whether a request may be answered."""

    def __init__(
        self, host: str, port: int, *, keys_required: bool = False, advertised: str | None = None
    ) -> None:
        self._host = host.lower()
        self._port = port
        self._any_name = keys_required and not is_loopback(host)
        self._proxied = _hosts_of(advertised) if keys_required and advertised else frozenset()

    def refusal(self, headers: Mapping[str, str]) -> Response | None:
        """The answer to a request that must not be carried out; None for one that may."""
        given = {name.lower(): value for name, value in headers.items()}
        host = given.get("host", "")
        if not self._is_ours(host):
            return error_response(
                403, "wrong_host", f"This server does not answer as {host!r}.", f"Use 127.0.0.1:{self._port}."
            )
        origin = given.get("origin")
        schemes = ("http", "https") if self._is_proxied(host) else ("http",)
        if origin is not None and origin.lower() not in [f"{scheme}://{host.lower()}" for scheme in schemes]:
            return error_response(403, "wrong_origin", f"Pages of {origin} may not use this server.")
        return None

    def _is_proxied(self, host: str) -> bool:
        """Whether it is a name for others than this machine's own callers."""
        return self._any_name or host.lower() in self._proxied

    def _is_ours(self, host: str) -> bool:
        if self._is_proxied(host):
            return True
        try:
            parts = urlsplit(f"//{host}")
            name, port = (parts.hostname or "").lower(), parts.port or 80
        except ValueError:
            return False
        if self._host in _WILDCARDS:
            # Reached from outside under addresses unknown here; a rebound name is never a bare address.
            return name == "localhost" or address_of(name) is not None
        if port != self._port:
            return False
        address = address_of(name)
        return name in ("localhost", self._host) or (address is not None and address.is_loopback)


def _hosts_of(url: str) -> frozenset[str]:
    """What a caller of this address may send as `Host`: without its port, too, if the scheme says that."""
    parts = urlsplit(url.lower())
    usual = ":443" if parts.scheme == "https" else ":80"
    name = parts.netloc.removesuffix(usual)
    return frozenset({name} if parts.port and name == parts.netloc else {name, name + usual})
