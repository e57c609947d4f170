"""A stand-in for the REST API of GitHub: one repository with its comments, issues and pull requests, in memory."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

BOT = "github-actions[bot]"


class Forge:
    """What the repository has, and what was asked of it."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[tuple[str, str]] = []
        self.comments: list[dict[str, Any]] = []
        self.issues: list[dict[str, Any]] = []
        self.pulls: list[dict[str, Any]] = []
        self.forbidden = False

    def comment(self, body: str, login: str = BOT, issue: int = 7) -> dict[str, Any]:
        """A comment that is there."""
        found = {"id": len(self.comments) + 1, "issue": issue, "body": body, "user": {"login": login}}
        found["html_url"] = f"https://forge.example/comments/{found['id']}"
        self.comments.append(found)
        return found

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        """The answer to a request below the repository."""
        self.asked.append((method, path))
        if self.forbidden:
            return 403, {"message": "Resource not accessible by integration"}
        page, size = int(query.get("page", 1)), int(query.get("per_page", 30))
        match method, path.split("/"):
            case "GET", ["issues", number, "comments"]:
                found = [comment for comment in self.comments if comment["issue"] == int(number)]
                return 200, found[(page - 1) * size : page * size]
            case "POST", ["issues", number, "comments"]:
                return 201, self.comment(body["body"], issue=int(number))
            case "PATCH", ["issues", "comments", id]:
                self.comments[int(id) - 1] |= body
                return 200, self.comments[int(id) - 1]
            case "GET", ["issues"]:
                wanted = (query["state"], query["labels"])
                return 200, [issue for issue in self.issues if (issue["state"], issue["labels"][0]) == wanted]
            case "POST", ["issues"]:
                new = len(self.issues) + 1
                url = f"https://forge.example/issues/{new}"
                self.issues.append({**body, "number": new, "state": "open", "user": {"login": BOT}, "html_url": url})
                return 201, self.issues[-1]
            case "PATCH", ["issues", number]:
                self.issues[int(number) - 1] |= body
                return 200, self.issues[int(number) - 1]
            case "GET", ["pulls"]:
                head = query["head"].partition(":")[2]
                return 200, [pull for pull in self.pulls if (pull["head"], pull["base"]) == (head, query["base"])]
            case "POST", ["pulls"]:
                self.pulls.append({**body, "number": 9, "html_url": "https://forge.example/pulls/9"})
                return 201, self.pulls[-1]
            case "PATCH", ["pulls", _]:
                self.pulls[-1] |= body
                return 200, self.pulls[-1]
            case _:
                return 404, {"message": f"Not Found: {method} {path}"}


@contextmanager
def running_forge() -> Iterator[Forge]:
    """A forge on loopback."""
    forge = Forge()

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            address = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            if self.headers["Authorization"] != "Bearer token-of-the-job":
                status, answer = 401, {"message": "Bad credentials"}
            else:
                query = {key: values[0] for key, values in parse_qs(address.query).items()}
                below = address.path.removeprefix("/repos/acme/sites/")
                status, answer = forge.answer(self.command, below, query, body)
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = _handle  # noqa: N815 - the names that the server calls

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    forge.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield forge
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
