"""Requests to where a clinic chose: never to a door that only we can reach, and never to another than was checked.

The name is looked up once, every address it has is checked, and the connection goes to one of those: a name that
changes its address meanwhile gains nothing. No proxy of the environment is asked; redirects are not followed.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, TypeAlias

import httpx

Resolve: TypeAlias = Callable[[str], Awaitable[Sequence[str]]]
"""The addresses of a host's name. Raises OSError where it has none."""
Address: TypeAlias = IPv4Address | IPv6Address
TRIED: Final = 3
"""Addresses of one name that are tried."""
LOOK_UPS: Final = 8
"""Names looked up at once, in threads of their own: a slow name server of a clinic's keeps no provider waiting."""
LOOK_UP: Final = 5.0
"""Seconds that a look-up may take."""
_GLOBAL_6: Final = IPv6Network("2000::/3")
"""All that is global unicast (RFC 4291): so no NAT64 (64:ff9b::/96), IPv4 in IPv6, site-local, multicast."""
_NOT_GLOBAL: Final = (
    IPv6Network("2001::/23"),  # Teredo and other protocols (RFC 2928)
    IPv6Network("2001:db8::/32"),
    IPv6Network("2002::/16"),  # 6to4: an IPv4 address inside
    IPv6Network("3fff::/20"),  # documentation (RFC 9637)
    IPv4Network("192.88.99.0/24"),  # relays of 6to4
)


class NotPublic(httpx.ConnectError):
    """Where a request was to go is not to be reached. The message says why, in words for the trail."""


def is_public(address: Address) -> bool:
    """Whether the whole internet reaches an address, and it leads to no other one inside of it."""
    if any(address in network for network in _NOT_GLOBAL if network.version == address.version):
        return False
    if isinstance(address, IPv6Address) and address not in _GLOBAL_6:
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


class PublicOnly(httpx.AsyncBaseTransport):
    """HTTPS to public addresses alone, on the ports that are allowed."""

    def __init__(
        self,
        *,
        ports: Collection[int],
        resolve: Resolve,
        public: Callable[[Address], bool] = is_public,
        verify: ssl.SSLContext | None = None,
    ) -> None:
        """verify: whom certificates are believed from, the usual ones where left out."""
        self._ports, self._resolve, self._public = ports, resolve, public
        # a connection is never used again: to the address of one name another name's certificate proves nothing
        self._inner = httpx.AsyncHTTPTransport(
            verify=verify or ssl.create_default_context(),
            trust_env=False,
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises NotPublic where it may not go there, and what httpx raises."""
        url = request.url
        if url.scheme != "https":
            raise NotPublic("neither https nor a public address")
        if (url.port or 443) not in self._ports:
            raise NotPublic("a port that is not allowed")
        failed: httpx.TransportError | None = None
        for address in (await self._addresses(url.host))[:TRIED]:
            # Host stands in the headers by now, and the certificate is checked for the name, not the address
            there = httpx.Request(
                request.method,
                url.copy_with(host=address),
                headers=request.headers,
                stream=request.stream,
                extensions=request.extensions | {"sni_hostname": url.host},
            )
            try:
                return await self._inner.handle_async_request(there)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failed = error
        raise failed or NotPublic("no address")

    async def _addresses(self, host: str) -> list[str]:
        """The addresses of a host; all of them are public. Raises NotPublic."""
        try:
            async with asyncio.timeout(LOOK_UP):
                found = [ip_address(one.partition("%")[0]) for one in dict.fromkeys(await self._resolve(host))]
        except (OSError, ValueError, TimeoutError) as error:
            raise NotPublic("no address") from error
        if not found:
            raise NotPublic("no address")
        if not all(self._public(address) for address in found):
            raise NotPublic("neither https nor a public address")
        return [str(address) for address in found]

    async def aclose(self) -> None:
        """Close what is open."""
        await self._inner.aclose()


@asynccontextmanager
async def outward(*, ports: Collection[int], inside: bool, seconds: float) -> AsyncIterator[httpx.AsyncClient]:
    """A client for addresses that clinics chose. inside: whether plain HTTP, any port and private networks are allowed,
    as in development. seconds: for each of connecting, writing and reading."""
    threads = ThreadPoolExecutor(LOOK_UPS, thread_name_prefix="look-up")

    def look_up(host: str) -> list[str]:
        return [str(one[4][0]) for one in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]

    async def resolve(host: str) -> Sequence[str]:
        return await asyncio.get_running_loop().run_in_executor(threads, look_up, host)

    public = None if inside else PublicOnly(ports=ports, resolve=resolve)
    try:
        async with httpx.AsyncClient(
            transport=public, timeout=seconds, trust_env=False, follow_redirects=False
        ) as client:
            yield client
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
