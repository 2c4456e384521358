"""The REST interface: one request, one completed photo. `openapi` describes it."""

import dataclasses
import json
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

import inpaint_tf
from inpaint_tf.data.image_files import Photo
from inpaint_tf.data.mask_layout import laid_on_photo
from inpaint_tf.errors import UserError, printable
from inpaint_tf.pixels import LINE_THRESHOLD
from inpaint_tf.serve.errors import RequestError
from inpaint_tf.serve.fills import fill
from inpaint_tf.serve.requests import Form, finished, read_form, server_of
from inpaint_tf.serve.settings import FillOptions
from inpaint_tf.serve.strokes import grow, rasterise
from inpaint_tf.serve.uploads import (
    MEDIA_TYPES,
    check_header,
    content_disposition,
    decode_mask,
    decode_photo,
    encode_photo,
    safe_stem,
    suffix_of,
)

# What the form of `inpaint` may hold besides files.
FILES = ("image", "mask", "guide")
FIELDS = (
    "strokes",
    "sketch",
    *(field.name for field in dataclasses.fields(FillOptions)),
    "grow",
    "invert_mask",
    "format",
)


async def health(request: Request) -> Response:
    """Whether the server lives, and how long the queue is."""
    server = server_of(request)
    return JSONResponse(
        {
            "status": "ok",
            "version": inpaint_tf.__version__,
            "running": server.queue.running,
            "waiting": server.queue.waiting,
            "most_waiting": server.queue.most_waiting,
        }
    )


async def presets(request: Request) -> Response:
    """The presets and limits of this server."""
    server = server_of(request)
    settings = server.settings
    return JSONResponse(
        {
            "presets": server.inpainters.describe(),
            "default": server.inpainters.names[0],
            "limits": {
                "bytes": settings.most_bytes,
                "pixels": settings.most_pixels,
                "seconds": settings.most_seconds,
                "waiting": settings.most_waiting,
            },
        }
    )


async def inpaint(request: Request) -> Response:
    """Multipart in, image bytes out."""
    server = server_of(request)
    if server.queue.waiting >= server.queue.most_waiting:
        raise RequestError(503, f"{server.queue.waiting} fills are waiting already; try again in a minute.", 60)
    with server.upload():
        form = await read_form(request)
        _check_names(form)
        options = FillOptions.from_request(form.fields, server.inpainters.names)
        content, name = _file(form, "image")
        check_header(content, name, server.settings.most_pixels)
        photo, hole, guide, turned = await server.in_thread(_decode, server.settings.most_pixels, form, content, name)
        suffix = _suffix(form.fields.get("format"), suffix_of(photo))
        notes = [*photo.notes, *turned]
        seconds = 0.0
        if hole.any():
            job = server.queue.submit(
                lambda report: fill(server.inpainters, lambda: photo.rgb, hole, options, guide=guide, report=report)
            )
            version = await finished(request, server.queue, job)
            seconds = version.seconds
            encoded, more = await server.in_thread(_encode, photo, version, suffix)
            notes += [*version.notes, *more]
        else:
            notes.append("the mask has no hole; the photo came back unchanged.")
            encoded = content
            if suffix != suffix_of(photo):
                encoded, more = await server.in_thread(encode_photo, suffix, photo.rgb, photo)
                notes += more
    headers = {
        "content-disposition": content_disposition("inline", f"{safe_stem(name)}_completed{suffix}"),
        "x-inpaint-seconds": f"{seconds:.3f}",
        "x-inpaint-notes": json.dumps(notes),
    }
    return Response(encoded, media_type=MEDIA_TYPES[suffix], headers=headers)


def read_strokes(text: str, what: str) -> Any:
    """JSON text -> what should be a list of operations, which may stand under "strokes". Raises UserError."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise UserError(f"{what} must be JSON; see /docs.") from None
    return value.get("strokes") if isinstance(value, dict) else value


def not_everything(hole: np.ndarray) -> np.ndarray:
    """The hole, unless it covers all. Raises UserError."""
    if hole.all():
        raise UserError("the mask covers the whole photo; leave some of it to fill from (or invert the mask).")
    return hole


def _decode(most_pixels: int, form: Form, content: bytes, name: str):
    photo = decode_photo(content, name, most_pixels)
    height, width = photo.rgb.shape[:2]
    if ("mask" in form.files) == ("strokes" in form.fields):
        raise RequestError(400, "give either a file `mask` (bright is filled) or a field `strokes` (JSON).")
    if "mask" in form.files:
        mask_content, mask_name = _file(form, "mask")
        check_header(mask_content, mask_name, most_pixels)
        invert = _truth(form.fields.get("invert_mask"), "invert_mask")
        hole, notes = laid_on_photo(decode_mask(mask_content, mask_name, most_pixels, invert=invert), photo, mask_name)
    else:
        hole = rasterise(read_strokes(form.fields["strokes"], "strokes"), height, width)
        notes = []
    hole = not_everything(grow(hole, _pixels(form.fields.get("grow"))))
    guide = None
    if "guide" in form.files and "sketch" in form.fields:
        raise RequestError(400, "give either a file `guide` (bright lines) or a field `sketch` (JSON), not both.")
    if "guide" in form.files:
        guide_content, guide_name = _file(form, "guide")
        check_header(guide_content, guide_name, most_pixels)
        lines = decode_mask(guide_content, guide_name, most_pixels, threshold=LINE_THRESHOLD)
        guide, more = laid_on_photo(lines, photo, guide_name)
        notes += more
    elif "sketch" in form.fields:
        guide = rasterise(read_strokes(form.fields["sketch"], "sketch"), height, width)
    return photo, hole, guide, notes


def _encode(photo: Photo, version, suffix: str) -> tuple[bytes, list[str]]:
    rgb, notes = photo.rgb.copy(), []
    rgb[version.place][version.hole] = version.views["completed"][version.hole]
    if photo.alpha is not None and (photo.alpha[version.place][version.hole] < 255).any():
        alpha = photo.alpha.copy()
        alpha[version.place][version.hole] = 255
        photo = dataclasses.replace(photo, alpha=alpha)
        notes.append("the photo was transparent in the hole; the fill is opaque.")
    encoded, more = encode_photo(suffix, rgb, photo)
    return encoded, [*notes, *more]


def _check_names(form: Form) -> None:
    for kind, given, known in (("file", form.files, FILES), ("field", form.fields, FIELDS)):
        if unknown := sorted(set(given) - set(known)):
            word = printable(unknown[0][:40])
            raise RequestError(400, f"the form has no {kind} called {word}; {kind}s are {', '.join(known)}.")


def _file(form: Form, name: str) -> tuple[bytes, str]:
    if name not in form.files:
        raise RequestError(400, f"the form has no file `{name}` (curl: -F {name}=@FILE).")
    content, given = form.files[name]
    return content, f"{safe_stem(given)}{_short_suffix(given)}"


def _short_suffix(name: str) -> str:
    end = name.rpartition(".")[2]
    return f".{end}" if end.isascii() and end.isalnum() and len(end) < 6 and end != name else ""


def _suffix(word: str | None, own: str) -> str:
    if not word:
        return own
    suffix = {".jpeg": ".jpg", ".tiff": ".tif"}.get(f".{word.lower().lstrip('.')}", f".{word.lower().lstrip('.')}")
    if suffix not in MEDIA_TYPES:
        raise UserError(f"format must be one of {', '.join(s[1:] for s in MEDIA_TYPES)}; got {word[:20]!r}.")
    return suffix


def _pixels(word: str | None) -> float:
    try:
        value = float(word or 0)
    except ValueError:
        value = float("nan")
    if not -1000 <= value <= 1000:
        raise UserError(f"grow must be pixels from -1000 to 1000; got {word!s:.20}.")
    return value


def _truth(word: str | None, name: str) -> bool:
    known = {"": False, "0": False, "false": False, "no": False, "1": True, "true": True, "yes": True}
    if (word or "").lower() not in known:
        raise UserError(f"{name} must be true or false; got {word!s:.20}.")
    return known[(word or "").lower()]
