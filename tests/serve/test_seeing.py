"""What the interface shows of a fill."""

import io
import time

import numpy as np
import pytest
from PIL import Image

BOX = [{"op": "box", "from": [16, 8], "to": [48, 40]}]


@pytest.fixture(scope="module")
def filled(running, photo, encoded):
    """A client, and the address of a version of the photo."""
    with running.client() as client:
        identity = client.post("/api/v1/photos", files={"image": ("a.png", encoded(photo))}).json()["id"]
        job = client.post(f"/api/v1/photos/{identity}/fills", json={"strokes": BOX}).json()
        wait(client, job)
        yield client, f"/api/v1/photos/{identity}/versions/1"


def wait(client, job):
    while (state := client.get(f"/api/v1/jobs/{job['job']}").json())["state"] in ("waiting", "running"):
        time.sleep(0.02)
    return state


def test_views_are_transparent_outside_the_hole(filled, decoded):
    client, version = filled
    described = client.get(version).json()
    assert {"completed", "coarse", "flow"} <= set(described["views"])
    assert described["flow_range"]["flow"] > 0 and "attention" in described["plan"]
    for view in described["views"]:
        picture = decoded(client.get(f"{version}/views/{view}.png").content)
        assert picture.shape == (32, 32, 4) and (picture[..., 3] == 255).all()
    answer = client.get(f"{version}/views/secret.png")
    assert answer.status_code == 404 and "completed" in answer.json()["error"]


def test_source_of_a_pixel(filled):
    client, version = filled
    found = client.get(f"{version}/source?x=20&y=30").json()
    assert found["filled"] and found["text"]
    assert 0 <= found["attention"]["x"] < 96 and 0 <= found["attention"]["y"] < 64
    assert not client.get(f"{version}/source?x=60&y=30").json()["filled"]
    for wrong in ("x=96&y=0", "x=-1&y=0", "x=1", "x=a&y=1"):
        assert client.get(f"{version}/source?{wrong}").status_code == 400


def test_plan_animation_and_wheel(filled):
    client, version = filled
    assert client.get(f"{version}/plan.png").headers["content-type"] == "image/png"
    for kind in ("webp", "gif"):
        film = Image.open(io.BytesIO(client.get(f"{version}/animation.{kind}").content))
        assert film.format == kind.upper() and film.n_frames > 10
    assert client.get(f"{version}/animation.exe").status_code == 404
    wheel = Image.open(io.BytesIO(client.get("/static/wheel.png").content))
    assert wheel.mode == "RGBA" and wheel.getpixel((0, 0))[3] == 0


def test_heat_map_of_a_pixel(filled, decoded):
    client, version = filled
    state = wait(client, client.post(f"{version}/attention", json={"x": 20, "y": 30}).json())
    assert state["state"] == "done", state
    result = state["result"]
    assert (result["left"], result["top"], result["width"], result["height"]) == (0, 0, 96, 64)
    assert "looked most at" in result["text"]
    # The cell with the largest weight is the one that the run's own offsets name.
    assert {"x": result["x"], "y": result["y"]} == client.get(f"{version}/source?x=20&y=30").json()["attention"]
    maps = [
        decoded(client.get(f"/api/v1/jobs/{state['job']}/{n}.png").content) for n in ("attention", "before", "after")
    ]
    assert all(picture.shape == (8, 12, 3) for picture in maps)
    assert not np.array_equal(maps[1], maps[2])
    assert client.get(f"/api/v1/jobs/{state['job']}/other.png").status_code == 404
    outside = wait(client, client.post(f"{version}/attention", json={"x": 60, "y": 30}).json())
    assert outside["state"] == "failed" and "was not filled" in outside["error"]
    assert client.post(f"{version}/attention", json={"x": "1", "y": 2}).status_code == 400
