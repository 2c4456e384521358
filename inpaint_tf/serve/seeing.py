"""What can be seen of a version: where a pixel came from, heat maps, the plan, an animation, the colour wheel."""

import functools

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from inpaint_tf.serve.errors import RequestError
from inpaint_tf.serve.jobs import JobResult
from inpaint_tf.serve.page_api import describe_job, version_of
from inpaint_tf.serve.requests import number, read_json, server_of
from inpaint_tf.serve.sessions import OpenPhoto, Version
from inpaint_tf.serve.uploads import encode_png

WHEEL = 192
# Pixels of the photo to a cell of the attention's grid, along an axis.
CELL = 8


async def wheel(request: Request) -> Response:
    """The colour wheel of the flow pictures."""
    return Response(_wheel(), media_type="image/png", headers={"cache-control": "max-age=3600"})


async def source(request: Request) -> Response:
    """Where a filled pixel came from."""
    photo, _, version = version_of(request)
    height, width = photo.shape
    x, y = number(request, "x", 0, width), number(request, "y", 0, height)
    row, column = y - version.top, x - version.left
    inside = 0 <= row < version.hole.shape[0] and 0 <= column < version.hole.shape[1]
    if not inside or not version.hole[row, column]:
        return JSONResponse({"filled": False, "text": "Not filled.", "patches": None, "attention": None})
    patches = attention = None
    sentences = []
    if version.sources is not None:
        found = version.sources[row, column].tolist()
        if found[0] >= 0:
            patches = {"x": found[1], "y": found[0]}
            sentences.append(f"Copied from pixel {found[1]}, {found[0]}.")
        else:
            sentences.append("The network’s own pixel; nothing in the photo was similar enough.")
    if version.offsets is not None:
        found = version.offsets[y // CELL, x // CELL].tolist()
        if found[0] >= 0:
            attention = {
                "x": min(width - 1, found[1] * CELL + CELL // 2),
                "y": min(height - 1, found[0] * CELL + CELL // 2),
            }
            sentences.append(f"The network looked most at {attention['x']}, {attention['y']}.")
    text = " ".join(sentences) or "Nothing is known of this pixel’s source."
    return JSONResponse({"filled": True, "text": text, "patches": patches, "attention": attention})


async def plan(request: Request) -> Response:
    """What the network computed, drawn over the photo."""
    photo, _, version = version_of(request)
    if version.plan is None:
        raise RequestError(404, "there is no plan: the whole network ran on all that it saw.")

    def draw() -> bytes:
        from inpaint_tf.visualize.plan_picture import plan_picture

        return encode_png(plan_picture(version.plan, photo.picture(version.base), _whole_hole(photo, version)))

    return Response(await server_of(request).in_thread(draw), media_type="image/png")


async def film(request: Request) -> Response:
    """The fill as an animation."""
    photo, _, version = version_of(request)
    suffix = f".{request.path_params['kind']}"
    if suffix not in (".webp", ".gif"):
        raise RequestError(404, "the animation is animation.webp or animation.gif.")

    def draw() -> bytes:
        from inpaint_tf.visualize.animation import fill_animation

        image = photo.picture(version.base)
        names = ("coarse", "network" if "network" in version.views else "completed", "completed")
        stages = (image, *(_with_view(image, version, name) for name in names))
        sources = None
        if version.sources is not None:
            sources = np.full((*photo.shape, 2), -1, np.int32)
            sources[version.place] = version.sources
        return fill_animation(_whole_hole(photo, version), stages, sources, suffix)

    return Response(await server_of(request).in_thread(draw), media_type=f"image/{suffix[1:]}")


async def attention(request: Request) -> Response:
    """Queues the heat map of one pixel. Answers with the job, whose pictures are attention, before and after."""
    server = server_of(request)
    photo, _, version = version_of(request)
    wanted = await read_json(request)
    x, y = wanted.get("x"), wanted.get("y")
    if not isinstance(x, int) or not isinstance(y, int) or isinstance(x, bool) or isinstance(y, bool):
        raise RequestError(400, "x and y must be whole numbers, pixels of the photo.")

    def work(report):
        from inpaint_tf.inference.attention_at import attention_at
        from inpaint_tf.inference.explain import check_pixel, describe

        report("attention", 0.0)
        hole = _whole_hole(photo, version)
        check_pixel((x, y), hole)
        inpainter = server.inpainters.get(version.options)
        found = attention_at(inpainter, photo.picture(version.base), hole, (x, y), version.guide)
        if found is None:
            raise RequestError(400, "this preset’s network has no attention.")
        report("attention", 1.0)
        top, left, bottom, right = found.place
        said = {
            "text": " ".join(describe((x, y), None, found, patches=False)),
            **{"x": found.best[0], "y": found.best[1]},
            **{"left": left, "top": top, "width": right - left, "height": bottom - top},
        }
        return JobResult(said, {name: encode_png(found.heat(name)) for name in ("attention", "before", "after")})

    return JSONResponse(describe_job(server, server.queue.submit(work)), 202)


async def job_picture(request: Request) -> Response:
    """One of the heat maps of an attention job."""
    job = server_of(request).queue.find(request.path_params["job"])
    pictures = job.result.pictures if isinstance(job.result, JobResult) else {}
    name = request.path_params["name"]
    if name not in pictures:
        raise RequestError(404, f"this job has no picture {name[:40]!r}.")
    return Response(pictures[name], media_type="image/png")


@functools.cache
def _wheel() -> bytes:
    from inpaint_tf.visualize.flow import wheel_picture

    return encode_png(wheel_picture(WHEEL))


def _whole_hole(photo: OpenPhoto, version: Version) -> np.ndarray:
    hole = np.zeros(photo.shape, bool)
    hole[version.place] = version.hole
    return hole


def _with_view(image: np.ndarray, version: Version, name: str) -> np.ndarray:
    picture = image.copy()
    picture[version.place][version.hole] = version.views[name][version.hole]
    return picture
