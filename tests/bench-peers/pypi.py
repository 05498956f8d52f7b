"""PyPI `atproto`, which has no cache of handles: cold names over the bench's name server.

    python pypi.py <name server> <cold names> [...]
"""

import asyncio
import sys
import time

import dns.asyncresolver
from atproto import AsyncIdResolver

AT_ONCE = 128


async def main(nameserver, cold):
    host, port = nameserver.split(':')
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = [host], int(port)
    dns.asyncresolver.default_resolver = resolver

    handles = AsyncIdResolver().handle
    names = iter(range(cold))

    async def ask():
        for number in names:
            assert await handles.resolve(f'pypi{number}.example.com')

    begun = time.perf_counter()
    await asyncio.gather(*(ask() for _ in range(AT_ONCE)))
    rate = cold / (time.perf_counter() - begun)
    print(f'PyPI atproto, in its own process, no server, no cache: {rate:.0f}/s cold, {AT_ONCE} at once')


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
