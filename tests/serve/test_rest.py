"""The REST interface over real connections."""

import concurrent.futures
import io
import json
import re
import threading
import time
import urllib.parse
import zlib

import httpx
import numpy as np
import pytest
from PIL import Image

from inpaint_tf.errors import UserError
from inpaint_tf.serve import rest
from inpaint_tf.serve.application import build_application
from inpaint_tf.serve.settings import ServeSettings

BOX = [{"op": "box", "from": [16, 8], "to": [48, 40]}]


@pytest.fixture
def hole():
    hole = np.zeros((64, 96), bool)
    hole[8:40, 16:48] = True
    return hole


def post(client, content, **fields):
    files = {"image": ("photo.png", content)}
    for name in ("mask", "guide"):
        if name in fields:
            files[name] = (f"{name}.png", fields.pop(name))
    return client.post("/api/v1/inpaint", files=files, data=fields)


def wait(client, job, seconds=60):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        state = client.get(f"/api/v1/jobs/{job['job']}").json()
        if state["state"] not in ("waiting", "running", "cancelling"):
            return state
        time.sleep(0.02)
    raise AssertionError(f"job still {state}")


def opened(client, content, name="photo.png"):
    answer = client.post("/api/v1/photos", files={"image": (name, content)})
    assert answer.status_code == 201, answer.text
    return answer.json()


class Slow:
    """Holds every fill of a server until released."""

    def __init__(self, monkeypatch):
        from inpaint_tf.serve import page_api, rest

        self.started, self.release = threading.Semaphore(0), threading.Event()
        for module in (page_api, rest):
            monkeypatch.setattr(module, "fill", self._wrapped(module.fill))

    def _wrapped(self, fill):
        def slow(*arguments, report, **options):
            self.started.release()
            while not self.release.wait(0.01):
                report("network", 0.1)
            return fill(*arguments, report=report, **options)

        return slow


@pytest.fixture
def slow(monkeypatch):
    slow = Slow(monkeypatch)
    yield slow
    slow.release.set()


def test_mask_in_completed_photo_out(client, photo, hole, encoded, decoded):
    answer = post(client, encoded(photo), mask=encoded(hole))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/png"
    assert float(answer.headers["x-inpaint-seconds"]) > 0
    completed = decoded(answer.content)
    assert np.array_equal(completed[~hole], photo[~hole])
    assert not np.array_equal(completed[hole], photo[hole])


def test_strokes_are_the_mask_that_they_draw(client, photo, hole, encoded, decoded):
    by_mask = decoded(post(client, encoded(photo), mask=encoded(hole)).content)
    by_strokes = decoded(post(client, encoded(photo), strokes=json.dumps(BOX)).content)
    assert np.array_equal(by_mask, by_strokes)
    grown = decoded(post(client, encoded(photo), strokes=json.dumps({"strokes": BOX}), grow="4").content)
    changed = (grown != photo).any(axis=-1)
    assert changed[4, 30] and not changed[:4].any()


def test_names_that_the_form_does_not_know_are_refused(client, photo, hole, encoded):
    answer = post(client, encoded(photo), mask=encoded(hole), grwo="4")
    assert answer.status_code == 400 and "no field called grwo; fields are strokes," in answer.json()["error"]
    files = {"image": ("photo.png", encoded(photo)), "hole": ("hole.png", encoded(hole))}
    answer = client.post("/api/v1/inpaint", files=files)
    assert answer.status_code == 400 and "no file called hole; files are image, mask, guide." in answer.json()["error"]


def test_the_description_names_what_the_form_takes(client):
    described = client.get("/openapi.json").json()["paths"]["/api/v1/inpaint"]["post"]["requestBody"]["content"]
    properties = described["multipart/form-data"]["schema"]["properties"]
    assert set(properties) == {*rest.FILES, *rest.FIELDS}


@pytest.mark.parametrize(
    "name, plain",
    [("ünï 😀.png", "_n_ __completed.png"), ("a;b.png", "a_b_completed.png"), ("a.png", "a_completed.png")],
)
def test_the_result_has_the_photos_name(client, photo, hole, encoded, name, plain):
    files = {"image": (name, encoded(photo)), "mask": ("mask.png", encoded(hole))}
    header = client.post("/api/v1/inpaint", files=files).headers["content-disposition"]
    ascii_form, _, utf8 = header.partition("; filename*=UTF-8''")
    assert ascii_form == f'inline; filename="{plain}"'
    assert urllib.parse.unquote(utf8) == re.sub(r"[^\w .]", "_", name[:-4]) + "_completed.png"


def test_metadata_and_format_stay(client, photo, hole, encoded):
    exif = Image.Exif()
    exif[0x010F] = "maker"
    answer = post(client, encoded(photo, "JPEG", exif=exif.tobytes(), quality=90), mask=encoded(hole))
    image = Image.open(io.BytesIO(answer.content))
    assert answer.headers["content-type"] == "image/jpeg" and image.format == "JPEG"
    assert image.getexif()[0x010F] == "maker"
    assert (
        Image.open(io.BytesIO(post(client, encoded(photo), mask=encoded(hole), format="webp").content)).format == "WEBP"
    )


def test_transparency_stays_outside_the_hole(client, photo, hole, encoded, decoded):
    alpha = np.arange(64 * 96, dtype=np.uint8).reshape(64, 96)
    answer = post(client, encoded(np.dstack([photo, alpha])), mask=encoded(hole))
    completed = decoded(answer.content)
    assert np.array_equal(completed[..., 3], np.where(hole, 255, alpha))
    assert np.array_equal(completed[~hole][:, :3], photo[~hole])
    assert "the fill is opaque" in answer.headers["x-inpaint-notes"]


def test_a_fill_of_an_erased_part_is_downloaded_as_it_is_shown(client, photo, hole, encoded, decoded):
    erased = encoded(np.dstack([photo, np.where(hole, np.uint8(0), np.uint8(255))]))
    place = f"/api/v1/photos/{opened(client, erased)['id']}"
    for base, box in enumerate(([16, 8, 32, 40], [30, 8, 48, 40])):
        strokes = [{"op": "box", "from": box[:2], "to": box[2:]}]
        assert wait(client, client.post(f"{place}/fills", json={"strokes": strokes, "base": base}).json())["result"]
    for version, first in ((0, 48), (1, 32), (2, 48)):
        still = hole.copy()
        still[:, : first if version else 0] = False
        for path in (f"{place}/picture.png?version={version}", f"{place}/versions/{version}/file"):
            assert np.array_equal(decoded(client.get(path).content)[..., 3], np.where(still, 0, 255)), path


def test_empty_mask_gives_the_file_back(client, photo, encoded):
    content = encoded(photo, "JPEG")
    answer = post(client, content, mask=encoded(np.zeros((64, 96), bool)))
    assert answer.content == content and "no hole" in answer.headers["x-inpaint-notes"]


def test_presets_health_and_docs(client):
    listed = client.get("/api/v1/presets").json()
    assert [preset["name"] for preset in listed["presets"]] == ["tiny", "tiny_guided"]
    assert [preset["guided"] for preset in listed["presets"]] == [False, True]
    assert "/" not in json.dumps(listed["presets"])  # No path of the server.
    assert client.get("/api/v1/health").json()["status"] == "ok"
    document = client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.") and "/api/v1/inpaint" in document["paths"]
    page = client.get("/docs").text
    assert "/api/v1/inpaint" in page and not re.search(r"""(src|href)=["']?(https?:)?//""", page)


def test_presets_of_one_name_are_refused_at_the_start(tiny_presets):
    with pytest.raises(UserError, match="two presets are called 'tiny'"):
        build_application(ServeSettings(presets=(tiny_presets[0], tiny_presets[0])))


def test_every_route_is_described(running, client):
    described = client.get("/openapi.json").json()["paths"]
    assert client.get("/api/v1/nothing").json()["error"].startswith("there is nothing here")
    for path, methods in described.items():
        concrete = re.sub(r"\{version\}", "1", re.sub(r"\{(photo|job|mask|view|name|kind)\}", "x", path))
        for method in methods:
            answer = client.request(method.upper(), concrete)
            assert "there is nothing here" not in answer.text and answer.status_code != 405, (method, path)


@pytest.mark.parametrize(
    "change,status,said",
    [
        ({"image": b"not an image"}, 415, "not an image"),
        ({"image": b"not an image"}, 415, "GIF and AVIF are read"),
        ({"image": b""}, 400, "empty"),
        ({"mask": None}, 400, "either"),
        ({"strokes": "[]"}, 400, "either"),
        ({"mask": None, "strokes": "{"}, 400, "JSON"),
        ({"mask": None, "strokes": '[{"op": "spray"}]'}, 400, "spray"),
        ({"mask": "small"}, 400, "32x32"),
        ({"mask": "full"}, 400, "whole photo"),
        ({"preset": "../etc"}, 400, "preset must be one of tiny"),
        ({"detail": "lots"}, 400, "detail"),
        ({"blend": "lots"}, 400, "blend"),
        ({"working_size": "9"}, 400, "working_size"),
        ({"grow": "nan"}, 400, "grow"),
        ({"format": "exe"}, 400, "format"),
        ({"invert_mask": "perhaps"}, 400, "invert_mask"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(client, photo, hole, encoded, change, status, said):
    masks = {"small": np.ones((32, 32), bool), "full": np.ones((64, 96), bool)}
    fields = {"mask": encoded(hole)}
    if isinstance(change.get("mask"), str):
        change = {**change, "mask": encoded(masks[change["mask"]])}
    fields = {name: value for name, value in {**fields, **change}.items() if value is not None}
    answer = post(client, fields.pop("image", encoded(photo)), **fields)
    assert answer.status_code == status
    assert said in answer.json()["error"] and "\n" not in answer.json()["error"]


def test_damaged_photo_names_the_clients_file_and_no_path(client, photo, hole, encoded):
    answer = post(client, encoded(photo)[:200], mask=encoded(hole))
    assert answer.status_code == 415 and "photo.png" in answer.json()["error"]
    assert not re.search(r"/(proc|tmp|dev|home)/", answer.text)


def test_too_many_bytes_and_too_many_pixels(start, photo, hole, encoded):
    with start(most_bytes=20_000, most_pixels=64 * 96).client() as client:
        assert post(client, encoded(photo), mask=encoded(hole)).status_code == 200
        answer = post(client, encoded(photo) + bytes(30_000), mask=encoded(hole))
        assert answer.status_code == 413 and "MB" in answer.json()["error"]
        # Without a length in the header.
        start_of_file = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
        chunks = iter([start_of_file, *(bytes(1000) for _ in range(100))])
        boundary = {"content-type": "multipart/form-data; boundary=x"}
        answer = client.post("/api/v1/inpaint", content=chunks, headers=boundary)
        assert answer.status_code == 413
        # A header that promises a billion pixels is turned away before anything is decoded.
        huge = bytearray(encoded(photo))
        huge[16:24] = (30_000).to_bytes(4, "big") + (30_000).to_bytes(4, "big")
        huge[29:33] = zlib.crc32(huge[12:29]).to_bytes(4, "big")
        answer = post(client, bytes(huge), mask=encoded(hole))
        assert answer.status_code == 413, answer.text
        assert post(client, encoded(np.zeros((64, 97, 3), np.uint8)), mask=encoded(hole)).status_code == 413


def test_sixteen_bit_colour_tiff_is_measured_and_taken(client, start, photo, hole, encoded):
    import cv2

    content = cv2.imencode(".tif", photo.astype(np.uint16)[..., ::-1] * 257)[1].tobytes()
    answer = post(client, content, mask=encoded(hole))
    assert answer.status_code == 200 and answer.headers["content-type"] == "image/tiff"
    assert "16 bits" in answer.headers["x-inpaint-notes"]
    with start(most_pixels=1000).client() as small:
        assert post(small, content, mask=encoded(hole)).status_code == 413


def test_guided_preset_follows_a_sketch(client, photo, hole, encoded, decoded):
    line = [{"op": "brush", "size": 3, "points": [[18, 20], [46, 22]]}]
    without = decoded(post(client, encoded(photo), mask=encoded(hole), preset="tiny_guided").content)
    sketch = post(client, encoded(photo), mask=encoded(hole), preset="tiny_guided", sketch=json.dumps(line))
    assert not np.array_equal(without, decoded(sketch.content))
    answer = post(client, encoded(photo), mask=encoded(hole), sketch=json.dumps(line))
    assert answer.status_code == 400 and "guid" in answer.json()["error"]


def test_a_sketch_that_says_nothing_is_noted(client, photo, hole, encoded):
    def noted(**guide):
        answer = post(client, encoded(photo), mask=encoded(hole), preset="tiny_guided", **guide)
        assert answer.status_code == 200, answer.text
        return json.loads(answer.headers["x-inpaint-notes"])

    lines = np.zeros((64, 96), np.uint8)
    lines[20] = 255
    outside = [{"op": "brush", "size": 3, "points": [[60, 50], [80, 50]]}]
    assert not noted(guide=encoded(lines))
    assert "the sketch covers 0% of the hole; draw lines inside it" in noted(sketch=json.dumps(outside))[0]
    assert "the sketch covers 97% of the hole" in noted(guide=encoded(255 - lines))[0]
    # Both are one too many.
    both = {"guide": encoded(lines), "sketch": json.dumps(outside)}
    answer = post(client, encoded(photo), mask=encoded(hole), preset="tiny_guided", **both)
    assert answer.status_code == 400 and "either a file `guide`" in answer.json()["error"]
    wrong = post(client, encoded(photo), mask=encoded(hole), preset="tiny_guided", guide=encoded(lines[1:]))
    assert "guide.png is 96x63, the photo is 96x64; give one of" in wrong.json()["error"]


def test_masks_and_sketches_in_the_sensors_layout_are_turned_as_the_photo(client, photo, hole, encoded, decoded):
    lying = encoded(photo, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0")
    upright, its_hole = (np.rot90(x, -1) for x in (photo, hole))
    answer = post(client, lying, mask=encoded(hole), guide=encoded(hole), preset="tiny_guided")
    completed = decoded(answer.content)
    assert completed.shape == (96, 64, 3) and np.array_equal(completed[~its_hole], upright[~its_hole])
    notes = json.loads(answer.headers["x-inpaint-notes"])
    assert [f"{name}.png was turned as the photo's EXIF orientation says." for name in ("mask", "guide")] == notes[1:3]
    # As it is seen, and what is of neither size.
    same = post(client, lying, mask=encoded(its_hole), guide=encoded(its_hole), preset="tiny_guided")
    assert np.array_equal(decoded(same.content), completed) and "turned" not in same.headers["x-inpaint-notes"]
    wrong = post(client, lying, mask=encoded(hole[::2, ::2]))
    assert "mask.png is 48x32, the photo is 64x96; give one of" in wrong.json()["error"]
    # The page's mask files likewise.
    url = f"/api/v1/photos/{opened(client, lying)['id']}"
    mask = client.post(f"{url}/masks", files={"mask": ("m.png", encoded(hole))}).json()
    shown = decoded(client.get(f"{url}/masks/{mask['id']}.png").content)[..., 3] > 0
    assert np.array_equal(shown, its_hole)


def test_queue_is_bounded_and_tells_places(start, slow, photo, encoded):
    running = start(most_waiting=2)
    with running.client() as client:
        identity = opened(client, encoded(photo))["id"]
        jobs = [client.post(f"/api/v1/photos/{identity}/fills", json={"strokes": BOX}).json() for _ in range(3)]
        assert slow.started.acquire(timeout=60)
        places = [client.get(f"/api/v1/jobs/{job['job']}").json() for job in jobs]
        assert [(job["state"], job["place"]) for job in places] == [("running", 0), ("waiting", 1), ("waiting", 2)]
        full = client.post(f"/api/v1/photos/{identity}/fills", json={"strokes": BOX})
        assert full.status_code == 503 and int(full.headers["retry-after"]) > 0 and "waiting" in full.json()["error"]
        assert post(client, encoded(photo), strokes=json.dumps(BOX)).status_code == 503
        # Cancelling one that waits makes room at once, and moves the other up.
        assert client.delete(f"/api/v1/jobs/{jobs[1]['job']}").json()["state"] == "cancelled"
        assert client.get(f"/api/v1/jobs/{jobs[2]['job']}").json()["place"] == 1
        # Cancelling the running one ends it at its next report.
        client.delete(f"/api/v1/jobs/{jobs[0]['job']}")
        assert wait(client, jobs[0])["state"] == "cancelled"
        slow.release.set()
        assert wait(client, jobs[2])["result"] == {"version": 1}


def test_a_fill_that_takes_too_long_is_ended(start, slow, photo, encoded):
    with start(most_seconds=0.3).client() as client:
        answer = post(client, encoded(photo), strokes=json.dumps(BOX))
        assert answer.status_code == 504 and "0.3 s" in answer.json()["error"]


def test_a_client_that_leaves_cancels_its_fill(start, slow, photo, encoded):
    running = start()
    with running.client() as client, pytest.raises(httpx.ReadTimeout):
        client.timeout = httpx.Timeout(60, read=0.5)
        post(client, encoded(photo), strokes=json.dumps(BOX))
    until = time.monotonic() + 60
    while running.server.queue.running and time.monotonic() < until:
        time.sleep(0.05)
    assert not running.server.queue.running


def test_many_clients_at_once_each_get_their_own_photo(running, photo, hole, encoded, decoded):
    def one(seed):
        own = np.roll(photo, seed, axis=-1) // (1 + seed % 2)
        with running.client() as client:
            completed = decoded(post(client, encoded(own), mask=encoded(hole)).content)
        return np.array_equal(completed[~hole], own[~hole])

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert all(pool.map(one, range(16)))


def test_versions_go_on_from_one_another(client, photo, encoded, decoded):
    identity = opened(client, encoded(photo))["id"]
    url = f"/api/v1/photos/{identity}"
    second_box = [{"op": "box", "from": [60, 30], "to": [80, 60]}]
    assert wait(client, client.post(f"{url}/fills", json={"strokes": BOX}).json())["result"]["version"] == 1
    job = client.post(f"{url}/fills", json={"strokes": second_box, "base": 1}).json()
    assert wait(client, job)["result"]["version"] == 2
    first, second = (decoded(client.get(f"{url}/versions/{n}/file").content) for n in (1, 2))
    box, other = np.zeros((64, 96), bool), np.zeros((64, 96), bool)
    box[8:40, 16:48], other[30:60, 60:80] = True, True
    assert np.array_equal(first[~box], photo[~box]) and (first[box] != photo[box]).any()
    assert np.array_equal(second[~other], first[~other]) and (second[other] != first[other]).any()
    described = client.get(f"{url}/versions/2").json()
    assert (described["left"], described["top"], described["width"], described["height"]) == (60, 30, 20, 30)
    patch = decoded(client.get(f"{url}/versions/2/views/completed.png").content)
    assert np.array_equal(patch[..., :3], second[30:60, 60:80]) and (patch[..., 3] == 255).all()
    assert np.array_equal(decoded(client.get(f"{url}/picture.png?version=1").content), first)
    assert client.get(f"{url}/versions/3").status_code == 404
    assert client.get(f"{url}/versions/0/file").content == encoded(photo)
    # After it is closed, nothing of it can be had.
    assert client.delete(url).status_code == 204
    assert client.get(f"{url}/versions/1/file").status_code == 404


def test_mask_file_for_an_open_photo(client, photo, hole, encoded, decoded):
    identity = opened(client, encoded(photo))["id"]
    url = f"/api/v1/photos/{identity}"
    mask = client.post(f"{url}/masks", files={"mask": ("m.png", encoded(hole))}).json()
    assert mask["pixels"] == hole.sum()
    assert np.array_equal(decoded(client.get(f"{url}/masks/{mask['id']}.png").content)[..., 3] > 0, hole)
    strokes = [{"op": "mask", "id": mask["id"]}, {"op": "erase", "size": 10, "points": [[20, 12]]}]
    wait(client, client.post(f"{url}/fills", json={"strokes": strokes}).json())
    completed = decoded(client.get(f"{url}/versions/1/file").content)
    assert np.array_equal(completed[~hole], photo[~hole]) and np.array_equal(completed[12, 20], photo[12, 20])
    wrong = client.post(f"{url}/masks", files={"mask": ("m.png", encoded(np.ones((5, 5), bool)))})
    assert wrong.status_code == 400 and "5x5" in wrong.json()["error"]
    empty = client.post(f"{url}/fills", json={"strokes": []})
    assert empty.status_code == 400 and "nothing is marked" in empty.json()["error"]


def test_memory_is_bounded_by_closing_the_longest_unused(start, photo, encoded):
    running = start(memory_bytes=3 * (photo.nbytes + len(encoded(photo))) + 10)
    with running.client() as client:
        photos = [opened(client, encoded(photo))["id"] for _ in range(3)]
        client.get(f"/api/v1/photos/{photos[0]}/picture.png?version=0")
        photos.append(opened(client, encoded(photo))["id"])
        found = [client.get(f"/api/v1/photos/{p}/picture.png?version=0").status_code for p in photos]
        assert found == [200, 404, 200, 200]


def test_a_photo_whose_versions_fill_the_memory_takes_no_more(start, photo, encoded):
    running = start(memory_bytes=photo.nbytes + len(encoded(photo)) + 10)
    with running.client() as client:
        url = f"/api/v1/photos/{opened(client, encoded(photo))['id']}"
        wait(client, client.post(f"{url}/fills", json={"strokes": BOX}).json())
        answer = client.post(f"{url}/fills", json={"strokes": BOX})
        assert answer.status_code == 413 and "download" in answer.json()["error"]
        assert client.get(f"{url}/versions/1/file").status_code == 200


def test_idle_photos_are_closed(start, photo, encoded):
    running = start(idle_seconds=0.05)
    with running.client() as client:
        first = opened(client, encoded(photo))["id"]
        until = time.monotonic() + 60
        while running.server.sessions.count and time.monotonic() < until:
            time.sleep(0.02)
        assert running.server.sessions.count == 0
        assert client.get(f"/api/v1/photos/{first}/picture.png?version=0").status_code == 404


def test_token(start):
    running = start(token="secret")
    with running.client() as client:
        refused = client.get("/api/v1/presets")
        assert refused.status_code == 401 and "token" in refused.json()["error"]
        assert client.get("/").status_code == 401 and client.get("/static/app.js").status_code == 401
        assert client.get("/api/v1/health").status_code == 200
        assert client.get("/api/v1/presets", headers={"authorization": "Bearer wrong"}).status_code == 401
        assert client.get("/api/v1/presets", headers={"authorization": "Bearer secret"}).status_code == 200
        # The page's address carries it once; afterwards the cookie does.
        answer = client.get("/?token=secret")
        assert answer.status_code == 303 and answer.headers["location"] == "/"
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie and "samesite=strict" in cookie
        assert client.get("/api/v1/presets").status_code == 200


def test_other_names_and_other_sites_are_turned_away(start):
    with start(hosts=("127.0.0.1", "localhost")).client() as client:
        assert client.get("/api/v1/presets").status_code == 200
        assert client.get("/api/v1/presets", headers={"host": "evil.example:80"}).status_code == 421
        for headers in ({"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}):
            answer = client.post("/api/v1/photos", headers=headers)
            assert answer.status_code == 403 and "other sites" in answer.json()["error"]
        own = {"origin": str(client.base_url).rstrip("/"), "sec-fetch-site": "same-origin"}
        assert client.post("/api/v1/photos", headers=own).status_code == 415


def test_security_headers_on_every_answer(client):
    for path in ("/", "/docs", "/api/v1/health", "/nothing", "/static/nothing.js"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"
        assert "access-control-allow-origin" not in headers
        assert "server" not in headers


@pytest.mark.parametrize(
    "path",
    ["/static/../application.py", "/static/%2e%2e/application.py", "/static//etc/passwd", "/..%2f..%2fetc/passwd",
     "/api/v1/photos/..%2f..%2fetc%2fpasswd/picture.png?version=0"],
)  # fmt: skip
def test_no_path_of_the_server_can_be_read(running, path):
    import http.client

    connection = http.client.HTTPConnection(running.url.removeprefix("http://"))
    connection.request("GET", path)  # Not made canonical by the client.
    answer = connection.getresponse()
    assert answer.status == 404 and b"root:" not in answer.read()


def test_nothing_is_written_to_the_disk(client, photo, hole, encoded, tmp_path, monkeypatch):
    import os
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    large = np.random.default_rng(0).integers(0, 256, (1000, 1000, 3), dtype=np.uint8)
    seen = []
    stop = threading.Event()

    def watch():
        while not stop.is_set():
            seen.extend(os.listdir(tmp_path))
            time.sleep(0.001)

    watcher = threading.Thread(target=watch)
    watcher.start()
    identity = opened(client, encoded(large))["id"]
    wait(client, client.post(f"/api/v1/photos/{identity}/fills", json={"strokes": BOX}).json())
    client.get(f"/api/v1/photos/{identity}/versions/1/file")
    stop.set()
    watcher.join()
    assert not seen
