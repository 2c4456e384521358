"""A server on a free port of this machine, with a small random network, for tests of the interface and the page."""

import dataclasses
import io
import socket
import threading
import time

import httpx
import numpy as np
import pytest
import uvicorn
from PIL import Image

from inpaint_tf.models.presets import save_preset
from inpaint_tf.models.registry import build_model
from inpaint_tf.serve.application import build_application
from inpaint_tf.serve.settings import ServeSettings


@pytest.fixture(scope="session")
def tiny_presets(tmp_path_factory):
    """Folders of two random presets, the second of them guided."""
    folder = tmp_path_factory.mktemp("presets")
    for name, model in (("tiny", "deepfill_v1"), ("tiny_guided", "deepfill_v2_guided")):
        save_preset(folder / name, build_model(model, width=8), model, {"width": 8}, "RGB", "random")
    return str(folder / "tiny"), str(folder / "tiny_guided")


@dataclasses.dataclass
class Running:
    """A server in a thread."""

    url: str
    server: object

    def client(self, **options):
        return httpx.Client(base_url=self.url, timeout=60, **options)


@pytest.fixture(scope="session")
def start(tiny_presets):
    """start(**settings) -> `Running`; all stop at the end of the session."""
    started = []

    def start(**settings):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        application = build_application(ServeSettings(**{"presets": tiny_presets, **settings}))
        config = uvicorn.Config(application, port=port, log_level="warning", access_log=False, server_header=False)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        started.append((server, thread))
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        return Running(f"http://127.0.0.1:{port}", application.state.server)

    yield start
    for server, _ in started:
        server.should_exit = True
    for _, thread in started:
        thread.join(10)


@pytest.fixture(scope="session")
def running(start):
    return start()


@pytest.fixture
def client(running):
    with running.client() as client:
        yield client


@pytest.fixture(scope="session")
def encoded():
    """pixels, format -> the bytes of an image file."""

    def encode(pixels, kind="PNG", **options):
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, kind, **options)
        return file.getvalue()

    return encode


@pytest.fixture(scope="session")
def decoded():
    """The bytes of an image file -> pixels."""
    return lambda content: np.array(Image.open(io.BytesIO(content)))


@pytest.fixture(scope="session")
def photo():
    """uint8 [64, 96, 3] of coloured squares."""
    rng = np.random.default_rng(0)
    return np.kron(rng.integers(0, 256, (8, 12, 3)), np.ones((8, 8, 1))).astype(np.uint8)
