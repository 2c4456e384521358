"""Takes the screenshots of docs/images anew, from a page that runs: `inpaint-tf serve`, then

    python tests/serve/take_screenshots.py http://localhost:8000/ docs/images

The photo is the page's own sample (NASA, from scikit-image, CC0). Needs selenium and Chromium, as test_page.py does.
"""

import io
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from test_page import CHROMIUM, DRIVER, FLAGS, Page

# The rocket and its tower, in pixels of the sample: brush size and path.
ROCKET = (34, [(324, 140), (324, 300)])
TOWER = (60, [(324, 330), (316, 372), (340, 374), (330, 335)])


def chromium(folder):
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in [*FLAGS, f"--user-data-dir={folder}"]:
        options.add_argument(flag)
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))


def brush(page, size, path):
    page.brush_size(size)
    page.drag(*path)


def shot(page):
    page.settled()
    return np.array(Image.open(io.BytesIO(page.driver.get_screenshot_as_png())).convert("RGB"))


def take(page):
    """Name -> screenshot, uint8 [H, W, 3]."""
    page.load(1400, 860).sample()
    for size, path in (ROCKET, TOWER):
        brush(page, size, path)
    pictures = {"page_brush": shot(page)}
    page.fill()
    page.js("document.getElementById('options').open = false; document.getElementById('seeing').open = true")
    page.click("compare")
    page.until(lambda: not page.find("hint").text)
    pictures["page_compare"] = shot(page)

    page.load(390, 844).sample()
    for size, path in (ROCKET, TOWER):
        brush(page, size, path)
    brushed = shot(page)
    page.fill()
    gap = np.full((len(brushed), 20, 3), 255, np.uint8)
    pictures["page_phone"] = np.hstack([brushed, gap, shot(page)])
    return pictures


def main(url, folder):
    with tempfile.TemporaryDirectory() as profile:
        driver = chromium(profile)
        try:
            pictures = take(Page(driver, url))
        finally:
            driver.quit()
    for name, picture in pictures.items():
        Image.fromarray(picture).save(Path(folder) / f"{name}.jpg", quality=88, optimize=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
