"""What can be seen of a version: where a pixel came from, the plan, the colour wheel."""

import functools

import numpy as np
from starlette.requests import Request
from starlette.responses import Response

from inpaint_tf.serve.uploads import encode_png

WHEEL = 192


async def wheel(request: Request) -> Response:
    """The colour wheel of the flow pictures."""
    return Response(_wheel(), media_type="image/png", headers={"cache-control": "max-age=3600"})


@functools.cache
def _wheel() -> bytes:
    from inpaint_tf.visualize.flow import flow_colours

    rows, columns = np.mgrid[:WHEEL, :WHEEL] - (WHEEL - 1) / 2
    flow = np.stack([rows, columns], axis=-1) / ((WHEEL - 1) / 2)
    inside = np.hypot(rows, columns) <= WHEEL / 2
    flow[~inside] = 0
    return encode_png(np.dstack([flow_colours(flow), np.uint8(255) * inside]))
