"""The routes put together, and the server process around them."""

import asyncio
import contextlib
import pathlib
import signal
import socket
import sys
import threading
import time

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from inpaint_tf.errors import UserError
from inpaint_tf.serve import openapi, page_api, rest, seeing
from inpaint_tf.serve.fills import Inpainters
from inpaint_tf.serve.jobs import JobQueue
from inpaint_tf.serve.requests import HANDLERS, Server, answer_failure, answer_http_error, server_of
from inpaint_tf.serve.security import COOKIE, Guard
from inpaint_tf.serve.sessions import Sessions
from inpaint_tf.serve.settings import FillOptions, ServeSettings

STATIC = pathlib.Path(__file__).parent / "static"
SAMPLES = pathlib.Path(__file__).parent.parent / "samples"
# After the last fill of a server that was told to stop its client fetches the result: the server stays until nobody has
# asked for so long, and at most so long.
_QUIET_SECONDS, _COLLECTING_SECONDS = 1.5, 15


async def page(request: Request) -> Response:
    """The page. With ?token=..., the token moves into a cookie and out of the address."""
    token = server_of(request).settings.token
    if "token" in request.query_params:
        answer = RedirectResponse("/", 303)
        if token is not None:
            answer.set_cookie(COOKIE, token, httponly=True, samesite="strict", secure=request.url.scheme == "https")
        return answer
    return FileResponse(STATIC / "index.html", headers={"cache-control": "no-cache"})


async def sample(request: Request) -> Response:
    return FileResponse(SAMPLES / "rocket.jpg", headers={"cache-control": "no-cache"})


async def documentation(request: Request) -> Response:
    return HTMLResponse(openapi.page())


async def description(request: Request) -> Response:
    return JSONResponse(openapi.DOCUMENT)


def build_application(settings: ServeSettings) -> Starlette:
    """The ASGI application. `application.state.server` is what its routes share.

    Raises:
        UserError: if a preset cannot be read.
    """
    inpainters = Inpainters(settings.presets, settings.memory_budget)
    inpainters.describe()
    server = Server(
        settings,
        inpainters,
        JobQueue(settings.most_waiting, settings.most_seconds),
        Sessions(settings.memory_bytes, settings.idle_seconds),
    )

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette):
        closing = asyncio.create_task(_close_idle(server))
        yield
        closing.cancel()
        server.queue.close()
        server.sessions.close_all()

    version = "/api/v1/photos/{photo:str}/versions/{version:int}"
    routes = [
        Route("/", page),
        Route("/sample.jpg", sample),
        Route("/docs", documentation),
        Route("/openapi.json", description),
        Route("/api/v1/health", rest.health),
        Route("/api/v1/presets", rest.presets),
        Route("/api/v1/inpaint", rest.inpaint, methods=["POST"]),
        Route("/api/v1/photos", page_api.open_photo, methods=["POST"]),
        Route("/api/v1/photos/{photo:str}", page_api.close_photo, methods=["DELETE"]),
        Route("/api/v1/photos/{photo:str}/picture.png", page_api.picture),
        Route("/api/v1/photos/{photo:str}/masks", page_api.add_mask, methods=["POST"]),
        Route("/api/v1/photos/{photo:str}/masks/{mask:str}.png", page_api.mask_picture),
        Route("/api/v1/photos/{photo:str}/fills", page_api.start_fill, methods=["POST"]),
        Route(version, page_api.describe_version),
        Route(f"{version}/views/{{view:str}}.png", page_api.view),
        Route(f"{version}/file", page_api.download),
        Route(f"{version}/source", seeing.source),
        Route(f"{version}/attention", seeing.attention, methods=["POST"]),
        Route(f"{version}/plan.png", seeing.plan),
        Route(f"{version}/animation.{{kind:str}}", seeing.film),
        Route("/api/v1/jobs/{job:str}/{name:str}.png", seeing.job_picture),
        Route("/api/v1/jobs/{job:str}", page_api.job_state, methods=["GET"]),
        Route("/api/v1/jobs/{job:str}", page_api.cancel_job, methods=["DELETE"]),
        Route("/static/wheel.png", seeing.wheel),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
    application = Starlette(
        routes=routes,
        exception_handlers={**HANDLERS, HTTPException: answer_http_error, Exception: answer_failure},
        lifespan=lifespan,
    )
    application.state.server = server
    application.add_middleware(Guard, settings=settings)
    return application


async def _close_idle(server: Server) -> None:
    while True:
        await asyncio.sleep(min(60, server.settings.idle_seconds))
        server.sessions.make_room()


class DrainingServer(uvicorn.Server):
    """A server that finishes the running fill, and lets its client fetch it, before it stops.

    The first SIGTERM or SIGINT turns away new work and what waits; a second one stops at once.
    """

    draining = False

    def __init__(self, config: uvicorn.Config, shared: Server):
        super().__init__(config)
        self._shared = shared

    def handle_exit(self, sig: int, frame) -> None:
        if self.draining:
            self.should_exit = self.force_exit = True
            return
        self.draining = True
        name = signal.Signals(sig).name
        print(f"inpaint-tf: {name}: finishing what runs; once more stops at once.", file=sys.stderr, flush=True)
        threading.Thread(target=self._drain, daemon=True).start()

    def _drain(self) -> None:
        queue = self._shared.queue
        busy = queue.running or queue.waiting > 0
        queue.close()
        queue.drain()
        ended = time.monotonic()
        while busy and time.monotonic() < ended + _COLLECTING_SECONDS:
            if time.monotonic() > max(ended, self._shared.asked) + _QUIET_SECONDS:
                break
            time.sleep(0.05)
        self.should_exit = True


def serve(settings: ServeSettings, host: str, port: int, ready=None) -> bool:
    """Serves until a signal comes.

    Args:
        settings: `ServeSettings`.
        host: Address to listen on.
        port: Port; 0 takes a free one.
        ready: Called with the port when the server listens.

    Returns:
        Whether all that was begun has ended. If not, the default preset is still being loaded, by a thread that may be
        inside TensorFlow, and Python must not tear it down: end the process with `os._exit`.

    Raises:
        UserError: if a preset cannot be read or the port cannot be had.
    """
    application = build_application(settings)
    config = uvicorn.Config(
        application,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=30,
        limit_concurrency=200,
    )
    server = DrainingServer(config, application.state.server)
    listening = listen(host, port)
    shared = application.state.server
    # While people choose a photo, the default preset is loaded.
    first = FillOptions(shared.inpainters.names[0])
    loading = threading.Thread(target=shared.inpainters.get, args=[first], daemon=True)
    loading.start()
    if ready is not None:
        ready(listening.getsockname()[1])
    server.run(sockets=[listening])
    return not loading.is_alive()


def listen(host: str, port: int) -> socket.socket:
    """A bound socket. Raises UserError if the address cannot be had."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(128)
    except OSError as error:
        raise UserError(
            f"cannot listen on {host}:{port}: {error.strerror or error}; choose another --port or --host."
        ) from None
    return listening
