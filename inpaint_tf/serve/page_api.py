"""What the page asks for: open photos, masks, fills, jobs, and files to download. Under /api/v1 as well."""

import dataclasses

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from inpaint_tf.data.mask_layout import laid_on_photo
from inpaint_tf.serve.errors import RequestError
from inpaint_tf.serve.fills import fill
from inpaint_tf.serve.jobs import Job, JobResult
from inpaint_tf.serve.requests import Server, number, read_form, read_json, server_of
from inpaint_tf.serve.rest import not_everything
from inpaint_tf.serve.sessions import OpenPhoto, Version
from inpaint_tf.serve.settings import FillOptions
from inpaint_tf.serve.strokes import check_operations, rasterise
from inpaint_tf.serve.uploads import (
    MEDIA_TYPES,
    check_header,
    content_disposition,
    decode_mask,
    decode_photo,
    encode_photo,
    encode_png,
    safe_stem,
    suffix_of,
)


def photo_of(request: Request) -> OpenPhoto:
    return server_of(request).sessions.find(request.path_params["photo"])


def version_of(request: Request) -> tuple[OpenPhoto, int, Version]:
    photo = photo_of(request)
    return photo, request.path_params["version"], photo.version(request.path_params["version"])


async def open_photo(request: Request) -> Response:
    """Takes a photo's file as it is. Answers with its id and size."""
    server = server_of(request)
    with server.upload():
        form = await read_form(request)
        content, name = _only_file(form.files, "image")
        check_header(content, name, server.settings.most_pixels)
        decoded = await server.in_thread(decode_photo, content, name, server.settings.most_pixels)
        suffix = suffix_of(decoded)
        photo = OpenPhoto(content, safe_stem(name), suffix, decoded)
        server.sessions.open(photo)
    height, width = photo.shape
    return JSONResponse(
        {
            "id": photo.id,
            "width": width,
            "height": height,
            "format": suffix[1:],
            "transparency": decoded.alpha is not None,
            "notes": list(decoded.notes),
        },
        201,
    )


async def close_photo(request: Request) -> Response:
    server_of(request).sessions.close(request.path_params["photo"])
    return Response(status_code=204)


async def picture(request: Request) -> Response:
    """The photo (version 0) or a version at full size, as PNG; for formats that a browser does not show."""
    photo = photo_of(request)
    version = number(request, "version", 0, 10**6)

    def encode() -> bytes:
        rgb, alpha = photo.picture(version), photo.alpha(version)
        return encode_png(rgb if alpha is None else np.dstack([rgb, alpha]), photo.photo.metadata.icc_profile)

    return Response(await server_of(request).in_thread(encode), media_type="image/png")


async def add_mask(request: Request) -> Response:
    """Takes a mask file for the strokes' "mask" operation."""
    server, photo = server_of(request), photo_of(request)
    with server.upload():
        form = await read_form(request)
        content, name = _only_file(form.files, "mask")
        check_header(content, name, server.settings.most_pixels)
        reading = await server.in_thread(decode_mask, content, name, server.settings.most_pixels)
        mask, _ = laid_on_photo(reading, photo.photo, name)  # The page shows which way it lies.
    identity = str(len(photo.masks) + 1)
    photo.masks[identity] = mask
    server.sessions.make_room(keep=photo)
    return JSONResponse({"id": identity, "pixels": int(np.count_nonzero(mask))}, 201)


async def mask_picture(request: Request) -> Response:
    """A mask to lay over the photo: opaque where it is bright."""
    mask = photo_of(request).mask(request.path_params["mask"])

    def encode() -> bytes:
        pixels = np.zeros((*mask.shape, 4), np.uint8)
        pixels[mask] = 255
        return encode_png(pixels)

    return Response(await server_of(request).in_thread(encode), media_type="image/png")


async def start_fill(request: Request) -> Response:
    """Queues a fill of what strokes cover. Answers with the job."""
    server, photo = server_of(request), photo_of(request)
    wanted = await read_json(request)
    options = FillOptions.from_request(wanted, server.inpainters.names)
    base = wanted.get("base", 0)
    if not isinstance(base, int) or isinstance(base, bool) or base < 0:
        raise RequestError(400, "base must be the number of a version; 0 is the photo.")
    if base:
        photo.version(base)
    if photo.bytes_held > server.settings.memory_bytes:
        raise RequestError(413, "this photo’s versions fill the memory; download the last one and open that.")
    strokes, sketch = check_operations(wanted.get("strokes")), wanted.get("sketch")
    hole = not_everything(await server.in_thread(_drawn, strokes, photo))
    if not hole.any():
        raise RequestError(400, "nothing is marked; brush over what should go.")
    guide = await server.in_thread(_drawn, check_operations(sketch), photo) if sketch else None

    def work(report):
        version = fill(
            server.inpainters,
            lambda: photo.picture(base),
            hole,
            options,
            base=base,
            guide=guide,
            report=report,
        )
        made = photo.add(version)
        server.sessions.make_room(keep=photo)
        return JobResult({"version": made})

    return JSONResponse(describe_job(server, server.queue.submit(work)), 202)


async def job_state(request: Request) -> Response:
    server = server_of(request)
    job = server.queue.find(request.path_params["job"])
    return JSONResponse(describe_job(server, job))


async def cancel_job(request: Request) -> Response:
    server = server_of(request)
    job = server.queue.find(request.path_params["job"])
    server.queue.cancel(job)
    return JSONResponse(describe_job(server, job))


async def describe_version(request: Request) -> Response:
    """Where a version's rectangle lies and what can be seen of it."""
    _, made, version = version_of(request)
    height, width = version.hole.shape
    return JSONResponse(
        {
            "version": made,
            "base": version.base,
            "left": version.left,
            "top": version.top,
            "width": width,
            "height": height,
            "pixels": int(np.count_nonzero(version.hole)),
            "seconds": round(version.seconds, 3),
            "views": list(version.views),
            "sources": version.sources is not None,
            "attention": version.offsets is not None,
            "plan": None if version.plan is None else version.plan.summary(),
            "flow_range": version.flow_range,
            "preset": version.options.preset,
            "notes": list(version.notes),
        }
    )


async def view(request: Request) -> Response:
    """A view of a version's rectangle as PNG, transparent outside the hole."""
    photo, _, version = version_of(request)
    name = request.path_params["view"]
    if name not in version.views:
        raise RequestError(404, f"this version has no view {name[:40]!r}; it has {', '.join(version.views)}.")
    profile = photo.photo.metadata.icc_profile if name in ("completed", "network", "coarse") else None

    def encode() -> bytes:
        return encode_png(np.dstack([version.views[name], np.uint8(255) * version.hole]), profile)

    return Response(await server_of(request).in_thread(encode), media_type="image/png")


async def download(request: Request) -> Response:
    """A version as a file, in the photo's format unless another is asked for."""
    photo = photo_of(request)
    made = request.path_params["version"]
    suffix = f".{request.query_params.get('format', photo.suffix[1:])}"
    if suffix not in MEDIA_TYPES:
        raise RequestError(400, f"format must be one of {', '.join(s[1:] for s in MEDIA_TYPES)}.")
    if made == 0 and suffix == photo.suffix:
        encoded = photo.content
    else:

        def encode() -> tuple[bytes, list[str]]:
            like = dataclasses.replace(photo.photo, alpha=photo.alpha(made))
            return encode_photo(suffix, photo.picture(made), like)

        encoded, _ = await server_of(request).in_thread(encode)
    headers = {"content-disposition": content_disposition("attachment", f"{photo.name}_completed{suffix}")}
    return Response(encoded, media_type=MEDIA_TYPES[suffix], headers=headers)


def describe_job(server: Server, job: Job) -> dict:
    """What a client may know of a job."""
    described = {
        "job": job.id,
        "state": job.state,
        "place": server.queue.place(job),
        "stage": job.stage,
        "fraction": round(job.fraction, 4),
        "seconds": round(job.seconds, 2),
    }
    if job.state == "running" and job.is_cancelled:
        described["state"] = "cancelling"
    if job.error is not None:
        described["error"] = str(job.error)
    if job.state == "done" and isinstance(job.result, JobResult):
        described["result"] = job.result.said
    return described


def _drawn(operations: list, photo: OpenPhoto) -> np.ndarray:
    return rasterise(operations, *photo.shape, find_mask=photo.mask)


def _only_file(files: dict[str, tuple[bytes, str]], name: str) -> tuple[bytes, str]:
    if name not in files:
        raise RequestError(400, f"the form has no file `{name}`.")
    return files[name]
