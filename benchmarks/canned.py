"""A server that always gives the same answers, so that it is never the bottleneck: `python benchmarks/canned.py`.

Every site has the settings of the benchmarks' site files, an active marketing plan and an address. It prints its
address, and serves on loopback until it is stopped. `served` runs it in a separate process.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SETTINGS = {
    "marketingSettings": {
        "settings": {
            "marketingPlanGoal": {"goalKey": "BOOST_SALES"},
            "marketingTools": ["SOCIAL_MARKETING", "BLOGS"],
            "topics": {"included": ["handmade ceramics", "studio life"], "excluded": ["politics"]},
            "toneOfVoice": "warm and playful",
            "pointOfView": "SECOND_PERSON",
            "businessProfile": {"valueProposition": "hand-thrown stoneware", "targetAudience": "home cooks"},
        },
        "overrides": {"socialMarketing": {"frequency": {"interval": "WEEK", "count": 3}}},
        "language": "en",
    }
}
PLAN = {"status": "ACTIVE", "marketingActivities": []}
URLS = {"urls": [{"url": "https://site.example", "primary": True}]}


def _answer(value: object) -> bytes:
    body = json.dumps(value).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)


class Canned(asyncio.Protocol):
    """One connection: requests without a body, one after the other."""

    latency = 0.0
    answers = ((b"settings", _answer(SETTINGS)), (b"urls", _answer(URLS)), (b"", _answer(PLAN)))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._read = b""

    def data_received(self, data: bytes) -> None:
        """Answers every request that has arrived completely."""
        self._read += data
        while b"\r\n\r\n" in self._read:
            head, _, self._read = self._read.partition(b"\r\n\r\n")
            line = head.partition(b"\r\n")[0]
            answer = next(answer for part, answer in self.answers if part in line)
            asyncio.get_running_loop().call_later(self.latency, self._transport.write, answer)


@contextmanager
def served(latency: float = 0.0) -> Iterator[str]:
    """The address of such a server, in a separate process."""
    arguments = [sys.executable, str(Path(__file__)), "--latency", str(latency)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


async def serve(latency: float) -> None:
    Canned.latency = latency
    server = await asyncio.get_running_loop().create_server(Canned, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds until an answer (default 0)")
    asyncio.run(serve(parser.parse_args().latency))


if __name__ == "__main__":
    main()
