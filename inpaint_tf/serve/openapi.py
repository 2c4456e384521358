"""The REST interface described: an OpenAPI 3.1 document, and a plain page made from it that needs no other server."""

import html
import json

import inpaint_tf


def _operation(summary, answers, *, body=None, parameters=(), description=""):
    operation = {"summary": summary, "responses": answers}
    if description:
        operation["description"] = description
    if body:
        operation["requestBody"] = {"required": True, "content": body}
    if parameters:
        operation["parameters"] = list(parameters)
    return operation


def _string(description, **more):
    return {"type": "string", "description": description, **more}


_FILE = {"type": "string", "format": "binary"}
_OPTIONS = {
    "preset": _string("One of /api/v1/presets. Default: the first of them."),
    "detail": _string(
        "none: the network's result; patches: also fine detail copied from elsewhere in the photo.",
        enum=["none", "patches"],
    ),
    "working_size": _string("auto, full, or pixels of the longer side at which the network runs."),
    "blend": _string("How the fill's colours meet those around it.", enum=["none", "poisson"]),
}
_POINT = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
_ERROR = {
    "description": "One line that says what to do.",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
}
_IMAGE = {
    "description": (
        "The completed photo, in its own format unless another was asked for. X-Inpaint-Seconds says how long it took, "
        "X-Inpaint-Notes is a JSON list of sentences on what was done to the file."
    ),
    "content": {"image/*": {"schema": _FILE}},
}


def _json(description, schema=None):
    return {"description": description, "content": {"application/json": {"schema": schema or {"type": "object"}}}}


def _in_path(name, description, kind="string"):
    return {"name": name, "in": "path", "required": True, "description": description, "schema": {"type": kind}}


def _in_query(name, description, kind="integer"):
    return {"name": name, "in": "query", "description": description, "schema": {"type": kind}}


_PHOTO = _in_path("photo", "Id of an open photo.")
_VERSION = _in_path("version", "Number of a version, from 1.", "integer")
_JOB = _json("state: waiting (place says who is before), running (stage, fraction), done (result), failed, cancelled.")

DOCUMENT = {
    "openapi": "3.1.0",
    "info": {
        "title": "inpaint_tf",
        "version": inpaint_tf.__version__,
        "description": (
            "Fills the hole of a photo; every pixel outside the hole comes back as it was. Requests share one queue. "
            "On a server with a token: Authorization: Bearer TOKEN."
        ),
    },
    "paths": {
        "/api/v1/inpaint": {
            "post": _operation(
                "A photo and a mask, or strokes, in; the completed photo out",
                {
                    "200": _IMAGE,
                    "400": _ERROR,
                    "413": _ERROR,
                    "415": _ERROR,
                    "503": {**_ERROR, "description": "The queue is full; Retry-After says when to try again."},
                    "504": _ERROR,
                },
                body={
                    "multipart/form-data": {
                        "schema": {
                            "type": "object",
                            "required": ["image"],
                            "properties": {
                                "image": {**_FILE, "description": "JPEG, PNG, WebP, TIFF, BMP, GIF, AVIF."},
                                "mask": {**_FILE, "description": "An image of the photo's size; bright is filled."},
                                "strokes": _string("Instead of a mask: JSON, a list of Stroke."),
                                "guide": {
                                    **_FILE,
                                    "description": "For guided presets: a sketch, bright lines on dark.",
                                },
                                "sketch": _string("Instead of a guide: JSON, a list of Stroke."),
                                **_OPTIONS,
                                "grow": _string("Widens the hole by that many pixels; negative: narrows it."),
                                "invert_mask": _string("true: dark is filled."),
                                "format": _string("png, jpg, webp, tif or bmp. Default: the photo's own."),
                            },
                        }
                    }
                },
                description="A client that disconnects cancels its fill.",
            )
        },
        "/api/v1/presets": {"get": _operation("Presets, and this server's limits", {"200": _json("Both.")})},
        "/api/v1/health": {
            "get": _operation("Whether it lives; the queue's length", {"200": _json("No token needed.")})
        },
        "/api/v1/photos": {
            "post": _operation(
                "Opens a photo, to fill it several times",
                {"201": _json("id, width, height, format, notes."), "413": _ERROR, "415": _ERROR},
                body={"multipart/form-data": {"schema": {"type": "object", "properties": {"image": _FILE}}}},
                description="It stays in memory until it is closed, or unused for an hour, or memory is short.",
            )
        },
        "/api/v1/photos/{photo}": {
            "delete": _operation("Closes a photo", {"204": {"description": "Closed."}}, parameters=[_PHOTO])
        },
        "/api/v1/photos/{photo}/picture.png": {
            "get": _operation(
                "A version at full size as PNG",
                {"200": _IMAGE, "404": _ERROR},
                parameters=[_PHOTO, _in_query("version", "0 is the photo.")],
            )
        },
        "/api/v1/photos/{photo}/masks": {
            "post": _operation(
                'Gives a mask file for the stroke {"op": "mask"}',
                {"201": _json("id"), "400": _ERROR},
                parameters=[_PHOTO],
                body={"multipart/form-data": {"schema": {"type": "object", "properties": {"mask": _FILE}}}},
            )
        },
        "/api/v1/photos/{photo}/fills": {
            "post": _operation(
                "Queues a fill",
                {"202": _JOB, "400": _ERROR, "503": _ERROR},
                parameters=[_PHOTO],
                body={
                    "application/json": {
                        "schema": {
                            "type": "object",
                            "required": ["strokes"],
                            "properties": {
                                "strokes": {"type": "array", "items": {"$ref": "#/components/schemas/Stroke"}},
                                "sketch": {"type": "array", "items": {"$ref": "#/components/schemas/Stroke"}},
                                "base": {
                                    "type": "integer",
                                    "description": "The version to go on from; 0 is the photo.",
                                },
                                **_OPTIONS,
                            },
                        }
                    }
                },
            )
        },
        "/api/v1/jobs/{job}": {
            "get": _operation(
                "How far a fill is", {"200": _JOB, "404": _ERROR}, parameters=[_in_path("job", "Its id.")]
            ),
            "delete": _operation(
                "Cancels a fill", {"200": _JOB, "404": _ERROR}, parameters=[_in_path("job", "Its id.")]
            ),
        },
        "/api/v1/photos/{photo}/versions/{version}": {
            "get": _operation(
                "Where a version's hole lies, what can be seen of it, plan and time",
                {"200": _json("left, top, width, height, views, seconds, plan."), "404": _ERROR},
                parameters=[_PHOTO, _VERSION],
            )
        },
        "/api/v1/photos/{photo}/versions/{version}/file": {
            "get": _operation(
                "A version as a file, with the photo's metadata",
                {"200": _IMAGE, "404": _ERROR},
                parameters=[_PHOTO, _VERSION, _in_query("format", "png, jpg, webp, tif, bmp.", "string")],
            )
        },
        "/api/v1/photos/{photo}/versions/{version}/source": {
            "get": _operation(
                "Where a filled pixel came from",
                {
                    "200": _json(
                        "text; patches: the pixel it was copied from; attention: where the network looked most."
                    )
                },
                parameters=[_PHOTO, _VERSION, _in_query("x", "Pixel's column."), _in_query("y", "Pixel's row.")],
            )
        },
        "/api/v1/photos/{photo}/versions/{version}/attention": {
            "post": _operation(
                "Queues the heat map of one pixel",
                {"202": _JOB, "400": _ERROR},
                parameters=[_PHOTO, _VERSION],
                body={
                    "application/json": {
                        "schema": {
                            "type": "object",
                            "required": ["x", "y"],
                            "properties": {name: {"type": "integer"} for name in ("x", "y")},
                        }
                    }
                },
                description="Its result says where on the photo the map lies.",
            )
        },
        "/api/v1/jobs/{job}/{name}.png": {
            "get": _operation(
                "A heat map",
                {"200": _IMAGE, "404": _ERROR},
                parameters=[
                    _in_path("job", "Of the attention."),
                    _in_path("name", "attention; before or after: scores before or after propagation."),
                ],
            )
        },
        "/api/v1/photos/{photo}/versions/{version}/plan.png": {
            "get": _operation(
                "What the network computed, drawn over the photo",
                {"200": _IMAGE, "404": _ERROR},
                parameters=[_PHOTO, _VERSION],
            )
        },
        "/api/v1/photos/{photo}/versions/{version}/animation.{kind}": {
            "get": _operation(
                "The fill as an animation",
                {"200": _IMAGE, "404": _ERROR},
                parameters=[_PHOTO, _VERSION, _in_path("kind", "webp or gif.")],
            )
        },
        "/api/v1/photos/{photo}/versions/{version}/views/{view}.png": {
            "get": _operation(
                "A view of the hole's rectangle, transparent outside the hole",
                {"200": _IMAGE, "404": _ERROR},
                parameters=[
                    _PHOTO,
                    _VERSION,
                    _in_path("view", "completed, network, coarse, flow or patch_flow; the version lists its own."),
                ],
            )
        },
    },
    "components": {
        "schemas": {
            "Error": {"type": "object", "properties": {"error": {"type": "string"}}},
            "Stroke": {
                "type": "object",
                "description": "Applied in order. Pixels of the photo, origin in its top left corner.",
                "required": ["op"],
                "properties": {
                    "op": {"enum": ["brush", "erase", "box", "lasso", "mask", "invert", "clear", "grow"]},
                    "size": {"type": "number", "description": "brush, erase: diameter."},
                    "points": {"type": "array", "items": _POINT, "description": "brush, erase, lasso."},
                    "from": {**_POINT, "description": "box: a corner."},
                    "to": {**_POINT, "description": "box: the corner across."},
                    "pixels": {"type": "number", "description": "grow: by how many; negative narrows."},
                    "id": {"type": "string", "description": "mask: of an uploaded mask."},
                },
            },
        }
    },
}

_BODIES = {"multipart/form-data": "in form", "application/json": "in JSON"}
_EXAMPLE = """curl -F image=@photo.jpg -F mask=@mask.png http://localhost:8000/api/v1/inpaint -o completed.jpg
curl -F image=@photo.jpg -F 'strokes=[{"op": "brush", "size": 60, "points": [[420, 310], [480, 300]]}]' \\
     http://localhost:8000/api/v1/inpaint -o completed.jpg"""


def page() -> str:
    """The document as HTML."""
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>inpaint_tf: REST interface</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="stylesheet" href="/static/docs.css"></head><body><main>',
        f"<h1>REST interface</h1><p>{html.escape(DOCUMENT['info']['description'])}</p>",
        f"<pre>{html.escape(_EXAMPLE)}</pre>",
        '<p><a href="/">The page</a> · <a href="/openapi.json">openapi.json</a></p>',
    ]
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            parts.append(f"<section><h2><span>{method.upper()}</span> {html.escape(path)}</h2>")
            parts.append(f"<p>{html.escape(operation['summary'])}. {html.escape(operation.get('description', ''))}</p>")
            rows = [(p["name"], f"in {p['in']}", p.get("description", "")) for p in operation.get("parameters", [])]
            for kind, content in operation.get("requestBody", {}).get("content", {}).items():
                for name, field in content["schema"].get("properties", {}).items():
                    rows.append((name, _BODIES[kind], _described(field)))
            if rows:
                parts.append(_table(("name", "where", "what"), rows))
            answers = [(status, answer["description"]) for status, answer in operation["responses"].items()]
            parts.append(_table(("status", "answer"), answers) + "</section>")
    stroke = DOCUMENT["components"]["schemas"]["Stroke"]
    rows = [(name, _described(field)) for name, field in stroke["properties"].items()]
    parts.append(f"<section><h2>Stroke</h2><p>{html.escape(stroke['description'])}</p>{_table(('name', 'what'), rows)}")
    return "".join([*parts, "</section></main></body></html>"])


def _described(field: dict) -> str:
    words = [field.get("description", "")]
    if "enum" in field:
        words.append(f"({' | '.join(field['enum'])})")
    if "items" in field and not words[0]:
        words.append(f"list of {field['items'].get('$ref', 'values').rpartition('/')[2]}")
    return " ".join(word for word in words if word) or json.dumps(field.get("format", field.get("type", "")))


def _table(titles, rows) -> str:
    head = "".join(f"<th>{html.escape(title)}</th>" for title in titles)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
