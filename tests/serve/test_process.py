"""`inpaint-tf serve` as its own process: the address it prints, and how it ends."""

import re
import signal
import subprocess
import sys
import time

import httpx
import numpy as np
import pytest

from inpaint_tf.commands.dispatcher import main
from inpaint_tf.serve import application

BOX = [{"op": "box", "from": [16, 8], "to": [48, 40]}]


@pytest.fixture
def process(tiny_presets):
    command = [sys.executable, "-m", "inpaint_tf", "serve", "--port=0", "--device=cpu", f"--preset={tiny_presets[0]}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def address(process):
    line = process.stdout.readline()
    return re.search(r"http://localhost:\d+", line)[0]


@pytest.mark.slow
def test_sigterm_finishes_what_runs_and_turns_away_what_waits(process, photo, encoded):
    with httpx.Client(base_url=address(process), timeout=60) as client:
        content = encoded(np.tile(photo, (6, 6, 1)))
        identity = client.post("/api/v1/photos", files={"image": ("a.png", content)}).json()["id"]
        jobs = [client.post(f"/api/v1/photos/{identity}/fills", json={"strokes": BOX}).json() for _ in range(4)]
        while client.get(f"/api/v1/jobs/{jobs[0]['job']}").json()["state"] == "waiting":
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        until = time.monotonic() + 60
        while (state := client.get(f"/api/v1/jobs/{jobs[0]['job']}").json())["state"] == "running":
            assert time.monotonic() < until
            time.sleep(0.05)
        assert state["state"] == "done" and state["result"] == {"version": 1}
        assert client.get(f"/api/v1/photos/{identity}/versions/1/file").status_code == 200
        waiting = client.get(f"/api/v1/jobs/{jobs[-1]['job']}").json()
        assert waiting["state"] == "failed" and "stopping" in waiting["error"]
    assert process.wait(120) == 0
    assert "finishing what runs" in process.stderr.read()


@pytest.mark.slow
def test_an_idle_server_stops_at_once(process):
    url = address(process)
    assert httpx.get(f"{url}/api/v1/health").json()["waiting"] == 0
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    # At once, and not after the time that a client has to collect its fill.
    assert process.wait(120) == 0 and time.monotonic() - started < application._COLLECTING_SECONDS


@pytest.mark.parametrize(
    "words,said", [(["--preset=nothing"], "nothing"), (["--token="], "token"), (["photo.jpg"], "flags only")]
)
def test_what_is_wrong_with_the_call_is_one_line(words, said, capsys):
    assert main(["serve", "--device=cpu", *words]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


@pytest.mark.slow
def test_an_address_of_another_machine_is_one_line():
    command = [sys.executable, "-m", "inpaint_tf", "serve", "--host=203.0.113.1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "cannot listen" in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize("device", ["gpu", "gpu:1"])
def test_a_gpu_that_is_not_there_is_one_line(device, capsys):
    assert main(["serve", "--port=0", f"--device={device}"]) == 1
    said = capsys.readouterr()
    assert said.err.startswith(f"inpaint-tf: --device={device}: ") and said.err.count("\n") == 1 and not said.out


def test_another_word_is_no_device(capsys):
    assert main(["serve", "--device=tpu"]) == 2
    assert "auto, cpu, gpu, gpu:N" in capsys.readouterr().err
