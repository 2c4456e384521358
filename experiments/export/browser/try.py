"""Fills the bundled photo's hole in headless Chromium and compares the pixels with onnxruntime's in Python.

    python experiments/export/browser/try.py --port=8000     (needs selenium and chromedriver; README.md has the rest)

Run it from the folder that `python -m http.server` serves.
"""

import base64
import io
import pathlib
import tempfile
import time

import cv2
import numpy as np
import onnxruntime
from absl import app, flags
from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from inpaint_tf.export.verify import photos

FLAGS = flags.FLAGS
flags.DEFINE_integer("port", 8000, "Port of the server on this machine.")
flags.DEFINE_string("chromium", "/usr/bin/chromium", "The browser.")
flags.DEFINE_string("chromedriver", "/usr/bin/chromedriver", "What drives it.")
ARGUMENTS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync")
SIZE = (256, 256)


def main(_):
    image, mask = photos(SIZE)[1]
    options = webdriver.ChromeOptions()
    options.binary_location = FLAGS.chromium
    with tempfile.TemporaryDirectory() as folder:
        for argument in (*ARGUMENTS, f"--user-data-dir={folder}/browser"):
            options.add_argument(argument)
        files = {name: str(pathlib.Path(folder) / f"{name}.png") for name in ("photo", "mask")}
        cv2.imwrite(files["photo"], image[..., ::-1])
        cv2.imwrite(files["mask"], mask)
        browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(FLAGS.chromedriver))
        try:
            browser.get(f"http://127.0.0.1:{FLAGS.port}/")
            for name, file in files.items():
                browser.find_element(By.ID, name).send_keys(file)
            started = time.perf_counter()
            browser.find_element(By.ID, "fill").click()
            WebDriverWait(browser, 180).until(
                lambda page: page.find_element(By.ID, "said").text not in ("", "Working …")
            )
            said = browser.find_element(By.ID, "said").text
            encoded = browser.execute_script("return document.getElementById('result').toDataURL()")
        finally:
            browser.quit()
    print(f"the page says: {said}; {time.perf_counter() - started:.1f} s with loading the network")
    shown = np.array(Image.open(io.BytesIO(base64.b64decode(encoded.partition(",")[2]))).convert("RGB"))
    session = onnxruntime.InferenceSession("inpaint_any.onnx", providers=["CPUExecutionProvider"])
    (expected,) = session.run(["completed"], {"image": image[np.newaxis], "mask": mask[np.newaxis]})
    difference = np.abs(shown.astype(int) - expected[0])
    print(f"largest difference {difference.max()} levels; known pixels {difference[mask[..., 0] == 0].max()}")
    if difference.max() > 1:
        raise SystemExit("the browser gives other pixels")


if __name__ == "__main__":
    app.run(main)
