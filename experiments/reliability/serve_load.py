"""Puts clients on `inpaint-tf serve` and looks for lost requests, wrong pixels, growing memory and a growing queue.

    python experiments/reliability/serve_load.py --clients=8 --seconds=300 --output=serve_load.json

Starts its own server on a free port. Half of the clients send single requests (REST), half open photos and follow jobs
as the page does; some requests are cancelled, some are no images. Every answer's pixels outside the hole are compared
with the photo's. Exit code 1 if anything is lost or wrong, or memory grew by more than a tenth over the second half.
"""

import io
import json
import logging
import pathlib
import re
import subprocess
import sys
import threading
import time

import httpx
import numpy as np
from absl import app, flags
from PIL import Image

_CLIENTS = flags.DEFINE_integer("clients", 8, "How many at once.", lower_bound=1)
_SECONDS = flags.DEFINE_float("seconds", 300, "How long.", lower_bound=1)
_QUEUE = flags.DEFINE_integer("queue", 4, "How many fills may wait; fewer than clients, so that some are turned away.")
_PRESET = flags.DEFINE_string("preset", "photos_small", "Preset.")
_OUTPUT = flags.DEFINE_string("output", None, "JSON file for the figures.")


class Tally:
    """Counts of what happened, and times."""

    def __init__(self):
        self._lock = threading.Lock()
        self.counts = {
            "completed": 0, "turned_away": 0, "cancelled": 0, "refused_as_they_should": 0, "lost": 0, "wrong_pixels": 0,
        }  # fmt: skip
        self.seconds, self.problems = [], []

    def add(self, name, seconds=None, problem=None):
        with self._lock:
            self.counts[name] += 1
            if seconds is not None:
                self.seconds.append(seconds)
            if problem is not None and len(self.problems) < 20:
                self.problems.append(problem)


def main(_):
    logging.getLogger("httpx").setLevel(logging.WARNING)
    command = [sys.executable, "-m", "inpaint_tf", "serve", "--port=0", f"--queue={_QUEUE.value}"]
    command.append(f"--preset={_PRESET.value}")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            url = re.search(r"http://localhost:\d+", server.stdout.readline())[0]
            figures = _load(url, server.pid)
        finally:
            started = time.perf_counter()
            server.terminate()
            code = server.wait(60)
    figures |= {"exit_code": code, "seconds_to_stop": round(time.perf_counter() - started, 1)}
    print(json.dumps(figures, indent=2))
    if _OUTPUT.value:
        pathlib.Path(_OUTPUT.value).write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    failed = figures["lost"] or figures["wrong_pixels"] or figures["growth_of_second_half"] > 0.1 or code
    return 1 if failed else 0


def _load(url, pid):
    tally, stop = Tally(), time.monotonic() + _SECONDS.value
    with httpx.Client(
        base_url=url, timeout=600
    ) as client:  # The first fill loads the preset; memory is looked at after.
        _rest(client, np.random.default_rng(99), Tally())
    clients = [threading.Thread(target=_client, args=(url, number, stop, tally)) for number in range(_CLIENTS.value)]
    for client in clients:
        client.start()
    memory, waiting, answered = [], [], []
    while any(client.is_alive() for client in clients):
        memory.append(_resident_bytes(pid))
        asked = time.perf_counter()
        waiting.append(httpx.get(f"{url}/api/v1/health", timeout=60).json()["waiting"])
        answered.append(time.perf_counter() - asked)
        time.sleep(0.5)
    half = len(memory) // 2
    thirds = [max(memory[half : (half + len(memory)) // 2]), max(memory[(half + len(memory)) // 2 :])]
    return {
        "clients": _CLIENTS.value,
        "seconds": _SECONDS.value,
        "preset": _PRESET.value,
        **tally.counts,
        "fill_seconds_median": round(float(np.median(tally.seconds)), 2),
        "fill_seconds_longest": round(max(tally.seconds), 2),
        "most_waiting": max(waiting),
        "health_seconds_longest": round(max(answered), 3),
        "resident_mib_start": round(memory[0] / 2**20),
        "resident_mib_most": round(max(memory) / 2**20),
        "resident_mib_end": round(memory[-1] / 2**20),
        "growth_of_second_half": round(thirds[1] / thirds[0] - 1, 3),
        "problems": tally.problems,
    }


def _client(url, number, stop, tally):
    random = np.random.default_rng(number)
    with httpx.Client(base_url=url, timeout=600) as client:
        while time.monotonic() < stop:
            try:
                (_rest if number % 2 else _page)(client, random, tally)
            except Exception as error:  # Whatever it is, it is what this program looks for.
                tally.add("lost", problem=f"{type(error).__name__}: {error}")


def _rest(client, random, tally):
    photo, box, strokes = _photo_and_strokes(random)
    content = b"no image" if random.random() < 0.1 else _encoded(photo)
    started = time.perf_counter()
    answer = client.post(
        "/api/v1/inpaint", files={"image": ("photo.png", content)}, data={"strokes": json.dumps(strokes)}
    )
    if answer.status_code == 503:
        tally.add("turned_away")
        time.sleep(random.uniform(0.2, 1))
    elif content == b"no image":
        tally.add("refused_as_they_should" if answer.status_code == 415 else "lost", problem=None)
    elif answer.status_code == 200:
        _compare(photo, box, answer.content, time.perf_counter() - started, tally)
    else:
        tally.add("lost", problem=f"status {answer.status_code}: {answer.text[:200]}")


def _page(client, random, tally):
    photo, box, strokes = _photo_and_strokes(random)
    identity = client.post("/api/v1/photos", files={"image": ("photo.png", _encoded(photo))}).raise_for_status().json()
    address = f"/api/v1/photos/{identity['id']}"
    started = time.perf_counter()
    answer = client.post(f"{address}/fills", json={"strokes": strokes})
    if answer.status_code == 503:
        tally.add("turned_away")
        client.delete(address)
        time.sleep(random.uniform(0.2, 1))
        return
    job = f"/api/v1/jobs/{answer.raise_for_status().json()['job']}"
    cancel = random.random() < 0.2
    while (state := client.get(job).raise_for_status().json())["state"] in ("waiting", "running", "cancelling"):
        if cancel:
            client.delete(job)
            cancel = False
        time.sleep(0.1)
    if state["state"] == "done":
        content = client.get(f"{address}/versions/{state['result']['version']}/file?format=png").content
        _compare(photo, box, content, time.perf_counter() - started, tally)
    else:
        tally.add("cancelled" if state["state"] == "cancelled" else "lost", problem=state.get("error"))
    if random.random() < 0.8:  # Others forget to close.
        client.delete(address)


def _photo_and_strokes(random):
    height, width = (int(8 * random.integers(24, 80)) for _ in range(2))
    small = random.integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
    photo = np.array(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))
    top, left = int(random.integers(height - 48)), int(random.integers(width - 48))
    box = np.s_[top : top + 40, left : left + 44]
    return photo, box, [{"op": "box", "from": [left, top], "to": [left + 44, top + 40]}]


def _compare(photo, box, content, seconds, tally):
    completed = np.array(Image.open(io.BytesIO(content)))
    outside = np.ones(photo.shape[:2], bool)
    outside[box] = False
    if np.array_equal(completed[outside], photo[outside]) and not np.array_equal(completed[box], photo[box]):
        tally.add("completed", seconds)
    else:
        tally.add("wrong_pixels", problem=f"photo of {photo.shape[1]}x{photo.shape[0]}")


def _encoded(photo):
    file = io.BytesIO()
    Image.fromarray(photo).save(file, "PNG", compress_level=1)
    return file.getvalue()


def _resident_bytes(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024


if __name__ == "__main__":
    app.run(main)
