"""What all routes do: read a form or JSON, work in threads, wait for a job, answer errors in one line."""

import asyncio
import contextlib
import dataclasses
import json
import time
from collections.abc import Callable
from typing import Any

import anyio
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse

from inpaint_tf.errors import UserError
from inpaint_tf.serve.errors import RequestError
from inpaint_tf.serve.fills import Inpainters
from inpaint_tf.serve.jobs import Job, JobQueue
from inpaint_tf.serve.security import TooManyBytes, too_many_bytes
from inpaint_tf.serve.sessions import Sessions
from inpaint_tf.serve.settings import ServeSettings

# A body that comes in slower than this is not waited for.
_UPLOAD_SECONDS = 300
# Photos that are decoded or encoded at the same time: each takes several times its pixels.
_DECODING = 2
_MOST_JSON = 8_000_000


@dataclasses.dataclass
class Server:
    """What the routes share: `request.app.state.server`. `asked`: when the last request for a photo or job came."""

    settings: ServeSettings
    inpainters: Inpainters
    queue: JobQueue
    sessions: Sessions
    busy: anyio.CapacityLimiter = dataclasses.field(default_factory=lambda: anyio.CapacityLimiter(_DECODING))
    uploads: int = 0
    asked: float = dataclasses.field(default_factory=time.monotonic)

    async def in_thread(self, function: Callable, *arguments, **options):
        """Runs a function that takes processor time, a few at once, while other requests are answered."""
        return await anyio.to_thread.run_sync(lambda: function(*arguments, **options), limiter=self.busy)

    @contextlib.contextmanager
    def upload(self):
        """Counts requests that hold a photo. Raises RequestError (503) if there are more than may wait."""
        if self.uploads > self.settings.most_waiting + 1:
            raise RequestError(503, "too many photos are being sent at once; try again in a minute.", 60)
        self.uploads += 1
        try:
            yield
        finally:
            self.uploads -= 1


@dataclasses.dataclass(frozen=True)
class Form:
    """A multipart form: text fields, and name -> (content, the client's file name)."""

    fields: dict[str, str]
    files: dict[str, tuple[bytes, str]]


def server_of(request: Request) -> Server:
    server = request.app.state.server
    server.asked = time.monotonic()
    return server


async def read_form(request: Request) -> Form:
    """Reads a multipart form into memory. Raises RequestError if it is none, too large or too slow."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise RequestError(415, "send multipart/form-data (curl: -F image=@photo.jpg); /docs shows examples.")
    most = server_of(request).settings.most_bytes
    parser = MultiPartParser(request.headers, request.stream(), max_files=8, max_fields=32, max_part_size=_MOST_JSON)
    parser.spool_max_size = most  # In memory, not in temporary files.
    fields, files = {}, {}
    try:
        async with asyncio.timeout(_UPLOAD_SECONDS):
            form = await parser.parse()
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                files[name] = (await value.read(), value.filename or name)
            else:
                fields[name] = value
        await form.close()
    except TimeoutError:
        raise RequestError(408, f"the upload took longer than {_UPLOAD_SECONDS} s; try again.") from None
    except TooManyBytes:
        raise RequestError(413, too_many_bytes(most)) from None
    except (MultiPartException, KeyError) as error:
        raise RequestError(400, f"the form cannot be read: {getattr(error, 'message', 'no boundary')}.") from None
    return Form(fields, files)


async def read_json(request: Request) -> dict[str, Any]:
    """The request's JSON object. Raises RequestError if it is none."""
    try:
        body = await request.body()
        if len(body) > _MOST_JSON:
            raise TooManyBytes
        value = json.loads(body)
    except TooManyBytes:
        raise RequestError(413, too_many_bytes(_MOST_JSON)) from None
    except (ValueError, RecursionError):
        raise RequestError(400, "the body must be a JSON object.") from None
    if not isinstance(value, dict):
        raise RequestError(400, "the body must be a JSON object.")
    return value


def number(request: Request, name: str, low: int, high: int) -> int:
    """A whole number of the query, in [low, high). Raises RequestError (400)."""
    word = request.query_params.get(name, "")
    if not word.isascii() or not word.isdecimal() or not low <= int(word[:12]) < high:
        raise RequestError(400, f"{name} must be a whole number from {low} to {high - 1}; got {word[:40]!r}.")
    return int(word)


async def finished(request: Request, queue: JobQueue, job: Job) -> Any:
    """Waits for a job and gives its result. A client that leaves cancels it. Raises what the job failed with."""
    over, loop = asyncio.Event(), asyncio.get_running_loop()

    def wake():
        # RuntimeError: the loop was closed, so nobody waits.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(over.set)

    job.when_finished(wake)
    while not over.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), 0.5)
        if not over.is_set() and await request.is_disconnected():
            queue.cancel(job)
    if job.state == "cancelled":
        raise RequestError(499, "the request was cancelled.")
    if job.error is not None:
        raise job.error
    # Finished jobs are remembered for a while; what they made need not be.
    result, job.result = job.result, None
    return result


def answer_error(request: Request, error: Exception) -> JSONResponse:
    """`{"error": "one line"}` with the status that fits."""
    status, retry_after = getattr(error, "status", 400), getattr(error, "retry_after", None)
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return JSONResponse({"error": " ".join(str(error).split())}, status, headers)


def answer_http_error(request: Request, error: Exception) -> JSONResponse:
    """Starlette's own errors in the same form."""
    known = {
        404: "there is nothing here; /docs lists what there is.",
        405: f"{request.method} is not accepted here; /docs lists what is.",
    }
    status = getattr(error, "status_code", 500)
    return JSONResponse(
        {"error": known.get(status, str(getattr(error, "detail", "failed")))}, status, getattr(error, "headers", None)
    )


def answer_failure(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"error": "the server failed on this request; its log says why."}, 500)


HANDLERS = {UserError: answer_error, ClientDisconnect: answer_failure}
