"""Who may ask, and what every answer says about itself. Plain ASGI, around all routes."""

import hmac
import http.cookies
import json
import urllib.parse
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from inpaint_tf.serve.settings import ServeSettings

COOKIE = "inpaint_tf_token"
# Nothing from other servers, no inline script or style, nobody may frame the page.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
# Answered without a token: says that the server lives, and nothing else.
OPEN_PATHS = ("/api/v1/health",)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Guard:
    """Turns away requests for other host names, from other sites' pages, without the token, and those too large."""

    def __init__(self, app: Callable, settings: ServeSettings):
        self._app, self._settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get("host", "")

        async def send_with_headers(message):
            if message["type"] == "http.response.start":
                present = {name for name, _ in message["headers"]}
                added = [(n.encode(), v.encode()) for n, v in HEADERS.items() if n.encode() not in present]
                if b"cache-control" not in present:
                    added.append((b"cache-control", b"no-store"))
                message = {**message, "headers": [*message["headers"], *added]}
            await send(message)

        if self._settings.hosts and _name(host) not in self._settings.hosts:
            await _refuse(send_with_headers, 421, f"this server does not answer to the name {_name(host)[:80]!r}.")
        elif not _same_site(scope, headers, host):
            await _refuse(send_with_headers, 403, "requests from pages of other sites are not accepted.")
        elif not self._allowed(scope, headers):
            await _refuse(
                send_with_headers,
                401,
                "this server wants its token: open the address that it printed, or send Authorization: Bearer TOKEN.",
            )
        else:
            limited = _Limited(receive, self._settings.most_bytes)
            if int(headers.get("content-length") or 0) > self._settings.most_bytes:
                await limited.discard()
                await _refuse(send_with_headers, 413, too_many_bytes(self._settings.most_bytes))
            else:
                await self._app(scope, limited, send_with_headers)

    def _allowed(self, scope: Scope, headers: dict[str, str]) -> bool:
        token = self._settings.token
        if token is None or scope["path"] in OPEN_PATHS:
            return True
        query = dict(urllib.parse.parse_qsl(scope["query_string"].decode("latin-1")))
        given = [headers.get("authorization", "").removeprefix("Bearer ").strip()]
        if scope["path"] == "/":
            given.append(query.get("token", ""))
        try:
            cookies = http.cookies.SimpleCookie(headers.get("cookie", ""))
        except http.cookies.CookieError:
            cookies = {}
        if COOKIE in cookies:
            given.append(cookies[COOKIE].value)
        return any(hmac.compare_digest(word.encode(), token.encode()) for word in given)


class TooManyBytes(Exception):
    """A body that passed the limit while it came in."""


class _Limited:
    """An ASGI `receive` that counts the body's bytes."""

    def __init__(self, receive: Receive, most: int):
        self._receive, self._most, self._seen = receive, most, 0

    async def __call__(self) -> MutableMapping[str, Any]:
        message = await self._receive()
        self._seen += len(message.get("body", b""))
        if self._seen > self._most:
            raise TooManyBytes
        return message

    async def discard(self) -> None:
        """Reads on for a while, so that a browser gets to see the answer and not a broken connection."""
        while self._seen < 4 * self._most:
            message = await self._receive()
            self._seen += len(message.get("body", b""))
            if message["type"] != "http.request" or not message.get("more_body"):
                return


def too_many_bytes(most: int) -> str:
    return f"the request is larger than the {most / 1e6:g} MB that are accepted; send a smaller photo."


def _name(host: str) -> str:
    """ "localhost:8000" -> "localhost"; "[::1]:8000" -> "[::1]"."""
    return host[: host.index("]") + 1] if host.startswith("[") and "]" in host else host.rsplit(":", 1)[0]


def _same_site(scope: Scope, headers: dict[str, str], host: str) -> bool:
    """Whether a request that changes something comes from this server's own page, or from no page at all."""
    if scope["method"] in ("GET", "HEAD"):
        return True
    if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    return origin is None or urllib.parse.urlsplit(origin).netloc == host


async def _refuse(send: Send, status: int, message: str) -> None:
    body = json.dumps({"error": message}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
