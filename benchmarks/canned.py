"""A server that always gives the same answers, so that it is never the bottleneck: `python benchmarks/canned.py`.

Every site has the settings of the benchmarks' site files, an active marketing plan and a URL. With `--generation`,
sites have nothing at first: settings are kept as they are saved, and a generation takes that many seconds. It prints
its address, and serves on loopback until it is stopped. `served` runs it in a separate process.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

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


class Fresh(Canned):
    """One connection to sites that have nothing at first."""

    generation = 0.0
    saved: ClassVar[dict[bytes, bytes]] = {}
    """The answer with the settings of each site whose settings were saved."""
    began: ClassVar[dict[bytes, float]] = {}
    """When each site's generation began."""
    urls = _answer(URLS)
    nothing, accepted = _answer({"marketingSettings": {"settings": {}}}), _answer({})
    plans: ClassVar = {status: _answer({"status": status}) for status in ("NEVER_CREATED", "GENERATING", "ACTIVE")}

    def data_received(self, data: bytes) -> None:
        """Answers every request that has arrived completely."""
        self._read += data
        while b"\r\n\r\n" in self._read:
            head, _, rest = self._read.partition(b"\r\n\r\n")
            named = dict(re.findall(rb"(?mi)^(content-length|wix-site-id): *(.*?)\r?$", head.lower()))
            length = int(named.get(b"content-length", 0))
            if len(rest) < length:
                return
            body, self._read = rest[:length], rest[length:]
            self._transport.write(self._answer_to(head.partition(b"\r\n")[0], named.get(b"wix-site-id", b""), body))

    def _answer_to(self, line: bytes, site: bytes, body: bytes) -> bytes:
        if b"settings" in line:
            if line.startswith(b"POST"):
                self.saved[site] = _answer({"marketingSettings": json.loads(body)["marketingSettings"]})
            return self.saved.get(site, self.nothing)
        if line.startswith(b"POST"):
            self.began[site] = time.monotonic()
            return self.accepted
        if b"urls" in line:
            return self.urls
        if site not in self.began:
            return self.plans["NEVER_CREATED"]
        return self.plans["ACTIVE" if time.monotonic() >= self.began[site] + self.generation else "GENERATING"]


@contextmanager
def served(latency: float = 0.0, *, generation: float | None = None) -> Iterator[str]:
    """The address of such a server, in a separate process."""
    arguments = [sys.executable, str(Path(__file__)), "--latency", str(latency)]
    if generation is not None:
        arguments += ["--generation", str(generation)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


async def serve(latency: float, generation: float | None) -> None:
    Canned.latency, Fresh.generation = latency, generation or 0.0
    protocol = Canned if generation is None else Fresh
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each response (default 0)")
    parser.add_argument("--generation", type=float, help="seconds that a generation takes; sites then start empty")
    given = parser.parse_args()
    asyncio.run(serve(given.latency, given.generation))


if __name__ == "__main__":
    main()
