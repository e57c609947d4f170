"""Sends the GETs of a plan without changes and nothing else, as a separate process: the baseline for the tool.

python benchmarks/bare.py ADDRESS SITES [--at-once 32] [--client httpx-aiohttp|httpx|aiohttp]
"""

from __future__ import annotations

import argparse
import asyncio

import httpx
from run import site_id

from reconciler.api.routes import GET_MARKETING_PLAN, GET_SETTINGS


async def gets(base: str, sites: int, at_once: int, client: str) -> None:
    """Two GETs per site."""
    if client == "aiohttp":
        await aiohttp_gets(base, sites, at_once)
        return
    transport, limits = None, httpx.Limits(max_connections=at_once)
    if client == "httpx-aiohttp":
        from httpx_aiohttp import AiohttpTransport

        transport = AiohttpTransport(limits=limits)
    numbers = iter(range(sites))
    async with httpx.AsyncClient(transport=transport, base_url=base, trust_env=False, limits=limits) as asking:

        async def work() -> None:
            for number in numbers:
                headers = {"Authorization": "any", "wix-site-id": site_id(number)}
                for route in (GET_SETTINGS, GET_MARKETING_PLAN):
                    (await asking.get(route.template, headers=headers)).raise_for_status()

        await asyncio.gather(*(work() for _ in range(at_once)))


async def aiohttp_gets(base: str, sites: int, at_once: int) -> None:
    """The same without httpx."""
    import aiohttp

    numbers = iter(range(sites))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=at_once), raise_for_status=True) as asking:

        async def work() -> None:
            for number in numbers:
                headers = {"Authorization": "any", "wix-site-id": site_id(number)}
                for route in (GET_SETTINGS, GET_MARKETING_PLAN):
                    async with asking.get(base + route.template, headers=headers) as answer:
                        await answer.read()

        await asyncio.gather(*(work() for _ in range(at_once)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address")
    parser.add_argument("sites", type=int)
    parser.add_argument("--at-once", type=int, default=32)
    parser.add_argument("--client", choices=("httpx-aiohttp", "httpx", "aiohttp"), default="httpx-aiohttp")
    given = parser.parse_args()
    asyncio.run(gets(given.address, given.sites, given.at_once, given.client))


if __name__ == "__main__":
    main()
