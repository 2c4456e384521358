"""The page in a real browser: headless Chromium, driven over pointer, touch and key events.

Without Chromium and chromedriver (Debian: apt-get install chromium chromium-driver) these tests are skipped; on a CI
machine (CI=true) they fail, unless NO_BROWSER says that none can be installed there.
"""

import base64
import io
import os
import re
import shutil
import time
import urllib.request

import numpy as np
import pytest
from PIL import Image

from inpaint_tf.serve.strokes import rasterise

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
]


@pytest.fixture(scope="session")
def driver(tmp_path_factory):
    if not CHROMIUM or not DRIVER:
        said = "NO BROWSER: the page was NOT tested. apt-get install chromium chromium-driver"
        if os.environ.get("CI") == "true" and not os.environ.get("NO_BROWSER"):
            pytest.fail(said)
        pytest.skip(said)
    selenium = pytest.importorskip("selenium.webdriver", reason="pip install selenium: the page was NOT tested")
    options = selenium.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in [*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('browser')}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = selenium.Chrome(options=options, service=selenium.ChromeService(DRIVER))
    yield driver
    driver.quit()


class Page:
    """The page in the driver's present tab."""

    def __init__(self, driver, url):
        self.driver, self.url = driver, url

    def load(self, width=1200, height=800, touch=False):
        command = self.driver.execute_cdp_cmd
        size = {"width": width, "height": height, "deviceScaleFactor": 2 if touch else 1, "mobile": touch}
        command("Emulation.setDeviceMetricsOverride", size)
        command("Emulation.setTouchEmulationEnabled", {"enabled": touch, "maxTouchPoints": 2})
        self.driver.get(self.url)
        self.until(lambda: self.js("return document.querySelectorAll('#preset option').length"))
        return self

    def js(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def until(self, condition, seconds=90):
        end = time.monotonic() + seconds
        while not (value := condition()):
            assert time.monotonic() < end, f"waited {seconds} s; the page says: {self.alert()!r}"
            time.sleep(0.02)
        return value

    def find(self, identity):
        return self.driver.find_element("id", identity)

    def click(self, identity):
        self.until(lambda: self.find(identity).is_enabled())
        self.find(identity).click()

    def alert(self):
        return self.js("const a = document.getElementById('alert'); return a.hidden ? '' : a.textContent")

    def sample(self):
        self.click("sample")
        return self.opened()

    def open(self, path):
        self.find("file").send_keys(str(path))
        return self.opened()

    def opened(self):
        self.until(lambda: self.find("stage").get_attribute("data-scale") and self.settled())
        return self

    def settled(self):
        """Waits for two frames."""
        script = "const d = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => d(true)))"
        return self.driver.execute_async_script(script)

    def at(self, x, y):
        """A place of the photo -> of the window."""
        self.settled()
        left, top, scale, x0, y0 = self.js(
            "const s = document.getElementById('stage'), b = s.getBoundingClientRect();"
            "return [b.left, b.top, ...['scale', 'x', 'y'].map((name) => Number(s.dataset[name]))]"
        )
        return left + x0 + x * scale, top + y0 + y * scale

    def mouse(self, kind, x, y, **more):
        buttons = 0 if kind == "mouseReleased" else 1
        self.driver.execute_cdp_cmd(
            "Input.dispatchMouseEvent",
            {"type": kind, "x": x, "y": y, "button": "left", "buttons": buttons, "clickCount": 1, **more},
        )

    def drag(self, *places):
        """Draws with the mouse from place to place of the photo."""
        on_screen = [self.at(*place) for place in places]
        self.mouse("mousePressed", *on_screen[0])
        for place in on_screen[1:]:
            self.mouse("mouseMoved", *place)
        self.mouse("mouseReleased", *on_screen[-1])

    def touch(self, kind, *points):
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        self.driver.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def brush_size(self, size):
        """By the slider's own events."""
        self.js(
            "const s = document.getElementById('size'), p = document.getElementById('photo-name').textContent;"
            "const longest = Math.max(...p.match(/(\\d+) × (\\d+)/).slice(1).map(Number));"
            "s.step = 'any'; s.value = 100 * Math.log(arguments[0]) / Math.log(Math.max(50, longest / 3));"
            "s.dispatchEvent(new Event('input'))",
            size,
        )
        assert float(self.find("size-value").text) == size

    def tool(self, name):
        self.driver.find_element("css selector", f'[data-tool="{name}"]').click()

    def preset(self, name):
        choose = "const p = document.getElementById('preset'); p.value = arguments[0];"
        self.js(f"{choose} p.dispatchEvent(new Event('change'))", name)

    def layer(self, name):
        """What strokes go to: "mask" or "sketch"."""
        self.js("document.querySelector(`input[name=layer][value=${arguments[0]}]`).click()", name)

    def fill(self):
        before = self.version()
        self.click("fill")
        self.until(lambda: self.version() != before)
        return self

    def version(self):
        return int(self.find("stage").get_attribute("data-version"))

    def saved(self, kind="png"):
        """The pixels of the file that Download gives."""
        self.click("save")
        links = self.driver.find_elements("css selector", "#save-links a")
        addresses = [link.get_attribute("href") for link in links]
        self.driver.find_element("css selector", "#save-dialog button").click()
        (address,) = [address for address in addresses if address.endswith(f"format={kind}")]
        with urllib.request.urlopen(address) as answer:
            return np.array(Image.open(io.BytesIO(answer.read())))

    def picture(self):
        """What the canvas shows."""
        self.settled()
        script = "return document.getElementById('stage').toDataURL('image/png').split(',')[1]"
        return np.array(Image.open(io.BytesIO(base64.b64decode(self.js(script)))))

    def errors(self):
        return [line["message"] for line in self.driver.get_log("browser") if line["level"] == "SEVERE"]


@pytest.fixture
def page(driver, running):
    driver.get_log("browser")
    page = Page(driver, running.url)
    yield page
    assert not page.errors()


@pytest.fixture
def photo_file(tmp_path, photo):
    """A PNG of 192x128 pixels on the disk, and its pixels."""
    pixels = np.kron(photo, np.ones((2, 2, 1), np.uint8))
    pixels ^= np.random.default_rng(1).integers(0, 32, pixels.shape, dtype=np.uint8)
    path = tmp_path / "holiday photo.png"
    Image.fromarray(pixels).save(path)
    return path, pixels


def changed(before, after):
    return (before != after).any(axis=-1)


def test_sample_brush_fill_undo_redo(page, running):
    page.load().sample()
    assert "640 × 427" in page.find("photo-name").text
    with urllib.request.urlopen(f"{running.url}/sample.jpg") as answer:
        original = np.array(Image.open(io.BytesIO(answer.read())))
    page.brush_size(24)
    assert not page.find("fill").is_enabled()
    path = [(250.0, 120.0), (262.5, 180.0), (255.0, 250.0)]
    page.drag(*path)
    page.fill()
    completed = page.saved()
    around = rasterise([{"op": "brush", "size": 25, "points": [list(p) for p in path]}], 427, 640)
    inside = rasterise([{"op": "brush", "size": 23, "points": [list(p) for p in path]}], 427, 640)
    assert np.array_equal(completed[~around], original[~around])
    assert changed(completed, original)[inside].mean() > 0.95
    # Undo gives the photo and the stroke back, redo the fill.
    page.click("undo")
    assert page.version() == 0 and page.find("fill").is_enabled()
    page.click("undo")
    assert not page.find("fill").is_enabled()
    page.click("redo")
    page.click("redo")
    assert page.version() == 1
    # Brushing goes on from the result; a version can be chosen again.
    page.drag((500, 300), (520, 310))
    page.fill()
    assert page.version() == 2
    second = page.saved()
    assert np.array_equal(second[around], completed[around]) and changed(second, completed)[305, 510]
    page.driver.find_element("css selector", '#versions [data-version="0"]').click()
    assert page.version() == 0


def test_a_dot_drawn_while_zoomed_lands_on_its_pixel(page, photo_file):
    path, pixels = photo_file
    page.load().open(path)
    for x, y in ((101, 37), (13, 100)):
        page.click("fit")
        # The wheel zooms to where the pointer is, in steps that are no round numbers.
        target = page.at(x + 0.5, y + 0.5)
        for _ in range(4):
            page.mouse("mouseWheel", *target, deltaX=0, deltaY=-170, button="none", buttons=0)
            page.settled()
        assert float(page.find("stage").get_attribute("data-scale")) > 12
        page.brush_size(1)
        page.drag((x + 0.5, y + 0.5))
        before = pixels if page.version() == 0 else page.saved()
        page.fill()
        assert np.argwhere(changed(page.saved(), before)).tolist() == [[y, x]]


def test_a_stroke_drawn_while_zoomed_and_moved_is_the_stroke_that_is_filled(page, photo_file):
    path, pixels = photo_file
    page.load().open(path)
    target = page.at(60, 60)
    for _ in range(2):
        page.mouse("mouseWheel", *target, deltaX=0, deltaY=-200, button="none", buttons=0)
        page.settled()
    page.tool("hand")
    page.drag((60, 60), (63.3, 57.1))
    page.tool("brush")
    page.brush_size(7)
    points = [(40.25, 50.5), (52.75, 61.5), (47.5, 70.25)]
    page.drag(*points)
    page.fill()
    drawn = rasterise([{"op": "brush", "size": 7, "points": [list(p) for p in points]}], *pixels.shape[:2])
    found = changed(page.saved(), pixels)
    assert not found[~drawn].any() and found[drawn].mean() > 0.97


def test_phone_by_touch(page, photo_file):
    path, pixels = photo_file
    page.load(390, 844, touch=True).open(path)
    assert page.js("return document.scrollingElement.scrollWidth") <= 390
    outside = page.js(
        "return [...document.querySelectorAll('header button, #tools button, #actions button')].filter((b) => {"
        "const r = b.getBoundingClientRect(); return r.width && (r.left < 0 || r.right > 390 || r.bottom > 844 ||"
        "r.height < 40) }).map((b) => b.id || b.dataset.tool)"
    )
    assert outside == []
    page.brush_size(12)
    page.touch("touchStart", page.at(60, 40))
    page.touch("touchMove", page.at(90, 44))
    page.touch("touchEnd")
    # Two fingers zoom and draw nothing.
    scale = float(page.find("stage").get_attribute("data-scale"))
    (x, y), fingers = page.at(96, 64), 30
    page.touch("touchStart", (x - fingers, y))
    page.touch("touchStart", (x - fingers, y), (x + fingers, y))
    for more in (20, 40, 60):
        page.touch("touchMove", (x - fingers - more, y), (x + fingers + more, y))
    page.touch("touchEnd")
    page.settled()
    assert float(page.find("stage").get_attribute("data-scale")) > 2 * scale
    page.fill()
    drawn = rasterise([{"op": "brush", "size": 12.5, "points": [[60, 40], [90, 44]]}], *pixels.shape[:2])
    found = changed(page.saved(), pixels)
    assert not found[~drawn].any() and found[drawn].mean() > 0.9
    page.click("more")
    assert page.find("preset").is_displayed()


def test_box_lasso_erase_invert_grow_and_mask_file(page, photo_file, tmp_path):
    path, pixels = photo_file
    page.load().open(path)
    page.tool("box")
    page.drag((20, 20), (60, 50))
    page.tool("lasso")
    page.drag((100, 20), (140, 20), (140, 60), (100, 60))
    page.tool("erase")
    page.brush_size(10)
    page.drag((40, 35))
    page.click("grow")
    mask = np.zeros(pixels.shape[:2], bool)
    mask[100:110, 5:15] = True
    Image.fromarray(mask).save(tmp_path / "mask.png")
    page.find("mask-file").send_keys(str(tmp_path / "mask.png"))
    page.until(lambda: page.js("return document.getElementById('undo').disabled") is False and page.settled())
    time.sleep(0.3)
    page.fill()
    operations = [
        {"op": "box", "from": [20, 20], "to": [60, 50]},
        {"op": "lasso", "points": [[100, 20], [140, 20], [140, 60], [100, 60]]},
        {"op": "erase", "size": 10, "points": [[40, 35]]},
        {"op": "grow", "pixels": 4},
    ]
    drawn = rasterise(operations, *pixels.shape[:2]) | mask
    found = changed(page.saved(), pixels)
    assert not found[~drawn].any() and found[drawn].mean() > 0.97
    page.driver.find_element("css selector", '#versions [data-version="0"]').click()
    page.tool("box")
    page.drag((4, 4), (188, 124))
    page.click("invert")
    page.fill()
    found = changed(page.saved(), pixels)
    assert not found[4:124, 4:188].any() and found[:4].mean() > 0.97


def test_what_the_page_shows_is_what_the_server_draws(page, photo_file):
    page.load().open(photo_file[0])
    operations = [
        {"op": "brush", "size": 21, "points": [[30, 30], [90, 50], [80, 90]]},
        {"op": "lasso", "points": [[100, 20], [180, 25], [150, 70], [160, 10]]},
        {"op": "box", "from": [10, 100], "to": [70, 120]},
        {"op": "erase", "size": 9, "points": [[85, 40], [85, 80]]},
        {"op": "grow", "pixels": 5},
        {"op": "invert"},
        {"op": "grow", "pixels": -3},
        {"op": "brush", "size": 14, "points": [[40, 40]]},
    ]
    for count in range(1, len(operations) + 1):
        shown = page.driver.execute_async_script(
            "const [operations, done] = arguments; import('/static/strokes.js').then(({draw}) => {"
            "const canvas = new OffscreenCanvas(192, 128), context = canvas.getContext('2d');"
            "draw(context, operations, {width: 192, height: 128}, new Map());"
            "done([...context.getImageData(0, 0, 192, 128).data.filter((_, i) => i % 4 == 3)]) })",
            operations[:count],
        )
        shown = np.array(shown).reshape(128, 192) > 127
        assert (shown != rasterise(operations[:count], 128, 192)).mean() < 0.01, operations[count - 1]


def test_photo_of_another_size_and_of_a_format_that_browsers_do_not_show(page, photo_file, tmp_path):
    _, pixels = photo_file
    Image.fromarray(pixels).save(tmp_path / "scan.tif")
    page.load().open(tmp_path / "scan.tif")
    page.drag((60, 60), (80, 60))
    page.fill()
    completed = page.saved("tif")
    assert completed.shape == pixels.shape and changed(completed, pixels)[60, 70]
    assert np.array_equal(completed[:40], pixels[:40])


def test_too_large_and_not_an_image_are_said(driver, start, photo_file, tmp_path):
    path, _ = photo_file
    page = Page(driver, start(most_pixels=1000).url).load()
    page.find("file").send_keys(str(path))
    assert "192x128" in page.until(page.alert)
    page = Page(driver, start(most_bytes=1000).url).load()
    page.find("file").send_keys(str(path))
    assert "MB are accepted" in page.until(page.alert)
    text = tmp_path / "letter.jpg"
    text.write_text("Dear Sir")
    page.find("file").send_keys(str(text))
    page.until(lambda: "not an image" in page.alert())
    assert page.find("welcome").is_displayed()
    page.errors()  # The browser logs refused requests.


def test_wrong_mask_is_said_and_nothing_changes(page, photo_file, tmp_path):
    page.load().open(photo_file[0])
    Image.new("L", (20, 20)).save(tmp_path / "mask.png")
    page.find("mask-file").send_keys(str(tmp_path / "mask.png"))
    assert "20x20" in page.until(page.alert)
    assert not page.find("fill").is_enabled()
    page.errors()


@pytest.fixture
def slow(monkeypatch):
    """Holds fills until it is set."""
    import threading

    from inpaint_tf.serve import page_api

    fill, release = page_api.fill, threading.Event()

    def held(*arguments, report, **options):
        while not release.wait(0.01):
            report("network", 0.4)
        return fill(*arguments, report=report, **options)

    monkeypatch.setattr(page_api, "fill", held)
    yield release
    release.set()


def test_cancel(page, photo_file, slow):
    page.load().open(photo_file[0])
    page.drag((60, 60), (80, 60))
    page.click("fill")
    page.until(lambda: "network" in page.find("busy-stage").text)
    page.until(lambda: page.js("return document.getElementById('busy-bar').value") == pytest.approx(0.4))
    page.click("cancel")
    page.until(lambda: not page.find("busy").is_displayed())
    assert page.version() == 0 and page.find("fill").is_enabled() and not page.alert()
    slow.set()
    page.fill()
    assert page.version() == 1


def test_strokes_that_are_drawn_while_it_fills_are_kept(page, photo_file, slow):
    path, pixels = photo_file
    page.load().open(path)
    page.tool("box")
    page.drag((20, 20), (40, 40))
    page.click("fill")
    page.until(lambda: "network" in page.find("busy-stage").text)
    page.drag((100, 60), (120, 80))
    slow.set()
    page.until(lambda: page.version() == 1)
    page.fill()
    box = [{"op": "box", "from": [100, 60], "to": [120, 80]}]
    first = [{"op": "box", "from": [20, 20], "to": [40, 40]}]
    both = rasterise([*first, *box], 128, 192)
    found = changed(page.saved(), pixels)
    assert page.version() == 2 and not found[~both].any() and found[rasterise(box, 128, 192)].mean() > 0.9


def test_another_photo_while_one_is_filled(page, photo_file, slow):
    path, _ = photo_file
    page.load().open(path)
    page.drag((60, 60), (80, 60))
    page.click("fill")
    page.until(lambda: "network" in page.find("busy-stage").text)
    page.find("file").send_keys(str(path))
    page.until(lambda: not page.find("busy").is_displayed())
    page.until(lambda: page.find("hint").text.startswith("Brush over"))
    page.drag((20, 100), (40, 100))
    slow.set()
    page.fill()
    assert page.version() == 1 and not page.alert()


def test_two_tabs_wait_for_each_other(page, photo_file, slow):
    path, pixels = photo_file
    page.load().open(path)
    first = page.driver.current_window_handle
    page.drag((60, 60), (80, 60))
    page.click("fill")
    page.until(lambda: "network" in page.find("busy-stage").text)
    page.driver.switch_to.new_window("tab")
    try:
        second = Page(page.driver, page.url).load().open(path)
        second.drag((20, 100), (40, 100))
        second.click("fill")
        second.until(lambda: second.find("busy-stage").text == "Next in the queue")
        slow.set()
        second.until(lambda: second.version() == 1)
        found = changed(second.saved(), pixels)
        assert found[100, 30] and not found[60].any()
    finally:
        page.driver.close()
        page.driver.switch_to.window(first)
    page.until(lambda: page.version() == 1)
    found = changed(page.saved(), pixels)
    assert found[60, 70] and not found[100].any()


def test_keyboard_alone(page, photo_file):
    from selenium.webdriver.common.keys import Keys

    path, pixels = photo_file
    page.load().open(path)
    keys = lambda *words: page.driver.switch_to.active_element.send_keys(*words)  # noqa: E731
    assert page.driver.switch_to.active_element == page.find("stage")
    page.brush_size(5)
    keys("x", Keys.SHIFT, *[Keys.ARROW_RIGHT] * 6, Keys.NULL, "x")
    keys(Keys.ENTER)
    page.until(lambda: page.version() == 1)
    found = np.argwhere(changed(page.saved(), pixels))
    assert found.min(axis=0).tolist() == [62, 94] and found.max(axis=0).tolist() == [66, 104]
    page.find("stage").send_keys(Keys.CONTROL + "z")
    assert page.version() == 0
    page.find("stage").send_keys(Keys.CONTROL + Keys.SHIFT + "z")
    assert page.version() == 1
    size = float(page.find("size-value").text)
    page.find("stage").send_keys("]")
    assert float(page.find("size-value").text) > size
    # Tab shows the original for as long as it is held.
    shown = page.picture()
    press = {"key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}
    page.driver.execute_cdp_cmd("Input.dispatchKeyEvent", {"type": "rawKeyDown", **press})
    page.until(lambda: changed(page.picture(), shown).any())
    page.driver.execute_cdp_cmd("Input.dispatchKeyEvent", {"type": "keyUp", **press})
    page.until(lambda: not changed(page.picture(), shown).any())
    page.find("stage").send_keys("[[", "e")
    assert float(page.find("size-value").text) < size
    assert page.js("return document.querySelector('[data-tool=erase]').ariaChecked") == "true"
    # Escape leaves the photo for the tools, from where Tab goes on.
    page.find("stage").send_keys(Keys.ESCAPE)
    assert page.driver.switch_to.active_element.get_attribute("data-tool") == "erase"
    keys(Keys.TAB)
    assert page.driver.switch_to.active_element == page.find("size")
    page.find("stage").send_keys("?")
    assert page.find("help").is_displayed()
    keys(Keys.ESCAPE)


def test_everything_has_a_name_and_nothing_comes_from_elsewhere(page, photo_file):
    page.load().open(photo_file[0])
    nameless = page.js(
        "return [...document.querySelectorAll('button, input, select, a, canvas[tabindex], progress, dialog, img')]"
        ".filter((e) => !(e.ariaLabel || e.textContent.trim() || e.alt || e.labels?.length ||"
        " e.getAttribute('aria-labelledby'))).map((e) => e.outerHTML)"
    )
    assert nameless == []
    hosts = page.js("return [...new Set(performance.getEntriesByType('resource').map((e) => new URL(e.name).host))]")
    assert hosts == [page.url.removeprefix("http://")]
    twice = page.js(
        "const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);"
        "return ids.filter((id, i) => ids.indexOf(id) !== i)"
    )
    assert twice == []


def test_before_and_after(page, photo_file):
    page.load().open(photo_file[0])
    page.tool("box")
    page.drag((40, 40), (150, 90))
    page.fill()

    def colour(x, y):
        page.settled()
        return page.js(
            "const s = document.getElementById('stage'), r = s.width / s.clientWidth;"
            "const d = s.dataset, at = (p, o) => Math.floor((Number(o) + p * Number(d.scale)) * r);"
            "return [...s.getContext('2d').getImageData(at(arguments[0], d.x), at(arguments[1], d.y), 1, 1).data]",
            x + 0.5,
            y + 0.5,
        )

    pixels, filled = photo_file[1], page.saved()
    page.click("compare")
    page.drag((96, 110), (100, 110))
    assert np.abs(np.subtract(colour(60, 60)[:3], pixels[60, 60])).max() <= 2
    assert np.abs(np.subtract(colour(140, 60)[:3], filled[60, 140])).max() <= 2
    page.click("compare")
    assert np.abs(np.subtract(colour(60, 60)[:3], filled[60, 60])).max() <= 2


def test_paste_a_photo_drop_a_mask(page, photo_file):
    """By events with files in them, as the browser makes them."""
    _, pixels = photo_file
    mask = np.zeros(pixels.shape[:2], np.uint8)
    mask[30:50, 60:90] = 255
    files = {}
    for name, picture in (("photo.png", pixels), ("mask.png", mask)):
        content = io.BytesIO()
        Image.fromarray(picture).save(content, "PNG")
        files[name] = base64.b64encode(content.getvalue()).decode()
    send = (
        "const [kind, name, text] = arguments, bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));"
        "const files = new DataTransfer(); files.items.add(new File([bytes], name, {type: 'image/png'}));"
        "const made = kind === 'paste' ? new ClipboardEvent('paste', {clipboardData: files, bubbles: true})"
        " : new DragEvent('drop', {dataTransfer: files, bubbles: true, cancelable: true});"
        "document.body.dispatchEvent(made)"
    )
    page.load().js(send, "paste", "photo.png", files["photo.png"])
    page.opened()
    page.js(send, "drop", "mask.png", files["mask.png"])
    page.until(lambda: page.find("drop-dialog").is_displayed())
    page.driver.find_element("css selector", "#drop-dialog button[value=mask]").click()
    page.fill()
    found = changed(page.saved(), pixels)
    assert not found[mask == 0].any() and found[mask > 0].mean() > 0.97


def test_how_it_was_filled(page, photo_file):
    path, _ = photo_file
    page.load().open(path)
    page.tool("box")
    page.drag((64, 40), (128, 88))
    page.js("document.getElementById('options').open = false; document.getElementById('detail').value = 'patches'")
    page.fill()
    page.driver.find_element("css selector", "#seeing summary").click()
    names = page.js("return [...document.querySelectorAll('input[name=view]')].map((e) => e.value)")
    assert set(names) == {"completed", "network", "coarse", "flow", "patch_flow"}
    before = page.picture()
    page.js("document.querySelector('input[name=view][value=flow]').click()")
    page.until(lambda: changed(page.picture(), before).any())
    assert page.find("wheel").is_displayed() and "pixels" in page.find("wheel-range").text
    assert page.js("return document.querySelector('#wheel img').naturalWidth") > 0
    page.js("document.querySelector('input[name=view][value=completed]').click()")
    page.until(lambda: not changed(page.picture(), before).any())
    # Pointing at a pixel: an arrow, and words; pressing: the heat map.
    page.js("document.getElementById('trace').click()")
    page.mouse("mouseMoved", *page.at(90.5, 60.5), button="none", buttons=0)
    page.until(lambda: re.search(r"Copied from pixel \d+, \d+|own pixel", page.find("trace-text").text))
    page.drag((90.5, 60.5))
    page.until(lambda: page.find("heat").is_displayed())
    assert "looked most at" in page.find("trace-text").text
    page.until(lambda: changed(page.picture(), before).mean() > 0.2)
    page.js("document.getElementById('trace').click()")
    page.until(lambda: not changed(page.picture(), before).any())
    for name, kind in (("animation", "WEBP"), ("plan", "PNG")):
        with urllib.request.urlopen(page.find(name).get_attribute("href")) as answer:
            assert Image.open(io.BytesIO(answer.read())).format == kind


def test_sketch_for_a_guided_preset(page, photo_file):
    path, _ = photo_file
    page.load().open(path)
    assert not page.find("layers").is_displayed()
    page.preset("tiny_guided")
    assert page.find("layers").is_displayed()
    page.tool("box")
    page.drag((64, 40), (128, 88))
    page.fill()
    without = page.saved()
    page.click("undo")
    page.layer("sketch")
    page.tool("brush")
    page.brush_size(3)
    page.drag((70, 60), (120, 66))
    page.fill()
    found = np.argwhere(changed(page.saved(), without))
    assert len(found) and (found.min(axis=0) >= [40, 64]).all() and (found.max(axis=0) < [88, 128]).all()


def test_sketches_have_a_thin_brush_and_show_while_they_count(page, photo_file):
    path, _ = photo_file
    page.load().open(path)
    page.preset("tiny_guided")
    wide = page.find("size-value").text
    page.layer("sketch")
    assert float(page.find("size-value").text) == 2  # Of 192 pixels; the mask's brush has 8.
    page.drag((70, 60), (120, 66))
    page.tool("hand")  # It has no outline on the picture.
    drawn = page.picture()
    assert not page.find("fill").is_enabled()
    page.click("invert")  # What is marked, not the sketch.
    assert page.find("fill").is_enabled()
    page.click("undo")
    assert np.array_equal(page.picture(), drawn)
    # A preset that takes no sketch shows none, and brushes over what should go; back again, it is there again.
    page.preset("tiny")
    assert page.find("size-value").text == wide and changed(page.picture(), drawn).any()
    page.preset("tiny_guided")
    page.settled()
    assert float(page.find("size-value").text) == 2 and np.array_equal(page.picture(), drawn)
    # After a fill, and for another photo, strokes go to what should go.
    page.layer("mask")
    page.tool("box")
    page.drag((64, 40), (128, 88))
    page.layer("sketch")
    page.fill()
    page.until(lambda: page.find("size-value").text == wide)
    page.layer("sketch")
    page.open(path)
    page.until(lambda: page.version() == 0)
    assert page.find("size-value").text == wide


def test_a_sketch_that_says_nothing_is_said_over_the_photo(page, photo_file):
    path, _ = photo_file
    page.load(width=390).open(path)

    def hint(preset):
        page.preset("tiny_guided")
        page.layer("sketch")
        page.tool("brush")
        page.drag((10, 100), (50, 110))  # Not in the box.
        page.layer("mask")
        page.tool("box")
        page.drag((64, 40), (128, 88))
        page.preset(preset)
        page.fill()
        page.until(lambda: page.find("hint").text.startswith("Filled in"))
        return page.find("hint").text

    assert "The sketch covers 0% of the hole; draw lines inside it" in hint("tiny_guided")
    # All of it is to be read on a phone.
    box, frame = page.find("hint").rect, page.find("stage-frame").rect
    assert box["x"] >= frame["x"] and box["x"] + box["width"] <= frame["x"] + frame["width"]
    assert "This preset takes no sketch, so it was left out." in hint("tiny")
    # Without a sketch, what to do next.
    page.drag((20, 20), (40, 30))
    page.fill()
    page.until(lambda: page.find("hint").text.endswith("Brush on, compare, or download"))


def test_contrast_of_texts():
    """WCAG AA: 4.5 to 1, in both colour schemes."""
    from inpaint_tf.serve.application import STATIC

    style = (STATIC / "style.css").read_text()
    light, dark = re.findall(r":root \{([^}]*)\}", style)[:2]

    def luminance(colour):
        digits = colour * 2 if len(colour) == 3 else colour
        digits = "".join(digit * 2 for digit in colour) if len(colour) == 3 else digits
        levels = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
        linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in levels]
        return np.dot(linear, [0.2126, 0.7152, 0.0722])

    pairs = [("ink", "surface"), ("ink", "ground"), ("ink", "accent-soft"), ("quiet", "surface"), ("quiet", "ground"),
             ("accent-ink", "accent"), ("danger", "surface"), ("accent", "surface")]  # fmt: skip
    for scheme in (light, dark):
        colours = dict(re.findall(r"--([\w-]+): #([0-9a-f]{3,6});", scheme))
        for text, ground in pairs:
            bright, dim = sorted((luminance(colours[text]), luminance(colours[ground])), reverse=True)
            assert (bright + 0.05) / (dim + 0.05) >= 4.5, (text, ground)
