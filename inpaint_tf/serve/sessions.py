"""Photos that are open on the page, with the versions made of them. Memory only; what nobody uses is closed."""

import dataclasses
import secrets
import threading
import time
from typing import Any

import numpy as np

from inpaint_tf.data.image_files import Photo
from inpaint_tf.serve.errors import RequestError
from inpaint_tf.serve.settings import FillOptions


@dataclasses.dataclass(frozen=True)
class Version:
    """One fill, as the rectangle around its hole; everything else is as in the version that it was made from.

    Attributes:
        base: Number of that version; 0 is the photo.
        top, left: Of the rectangle, pixels.
        hole: bool [h, w].
        views: Name -> uint8 [h, w, 3]: "completed", "network", "coarse", and "flow", "patch_flow" where there are such.
        sources: int32 [h, w, 2], (row, column) of the photo that a pixel was copied from, -1 where it was not; or None.
        offsets: The attention's offsets of the run, see `inference.Result`; or None.
        plan: The run's plan; None for a full run.
        seconds: Of the run.
        options: What it was made with.
        flow_range: View -> what its strongest colour stands for, pixels.
        guide: bool [H, W], the sketch that led it; or None.
        notes: Sentences for the user.
    """

    base: int
    top: int
    left: int
    hole: np.ndarray
    views: dict[str, np.ndarray]
    sources: np.ndarray | None
    offsets: np.ndarray | None
    plan: Any
    seconds: float
    options: FillOptions
    flow_range: dict[str, int] = dataclasses.field(default_factory=dict)
    guide: np.ndarray | None = None
    notes: tuple[str, ...] = ()

    @property
    def place(self) -> tuple[slice, slice]:
        """Rows and columns of the rectangle."""
        height, width = self.hole.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)

    @property
    def bytes_held(self) -> int:
        arrays = [self.hole, self.sources, self.offsets, self.guide, *self.views.values()]
        return sum(array.nbytes for array in arrays if array is not None)


class OpenPhoto:
    """A photo, its file as it came, its versions and the mask files that were given for it.

    Args:
        content: The file.
        name: The client's name of it; part of the name of what is downloaded, and nothing else.
        suffix: Of its format.
        photo: Decoded.
    """

    def __init__(self, content: bytes, name: str, suffix: str, photo: Photo):
        self.id = secrets.token_urlsafe(16)
        self.content, self.name, self.suffix, self.photo = content, name, suffix, photo
        self.masks: dict[str, np.ndarray] = {}
        self.used = time.monotonic()
        self._versions: list[Version] = []
        self._lock = threading.Lock()

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width)."""
        return self.photo.rgb.shape[:2]

    @property
    def bytes_held(self) -> int:
        photo = self.photo.rgb.nbytes + (0 if self.photo.alpha is None else self.photo.alpha.nbytes)
        others = [*self.masks.values()]
        return len(self.content) + photo + sum(x.nbytes for x in others) + sum(v.bytes_held for v in self._versions)

    def add(self, version: Version) -> int:
        """Keeps a version; its number, from 1."""
        with self._lock:
            self._versions.append(version)
            return len(self._versions)

    def version(self, number: int) -> Version:
        """Raises RequestError (404) if there is none of that number."""
        if not 1 <= number <= len(self._versions):
            raise RequestError(404, f"this photo has no version {number}; it has {len(self._versions)}.")
        return self._versions[number - 1]

    def picture(self, number: int) -> np.ndarray:
        """uint8 [H, W, 3]: the photo (0) or a version of it. Not to be written to."""
        if number == 0:
            return self.photo.rgb
        picture = self.photo.rgb.copy()
        for version in self._up_to(number):
            picture[version.place][version.hole] = version.views["completed"][version.hole]
        return picture

    def alpha(self, number: int) -> np.ndarray | None:
        """uint8 [H, W], of the photo (0) or a version of it, whose fills are opaque; None without transparency."""
        if number == 0 or self.photo.alpha is None:
            return self.photo.alpha
        alpha = self.photo.alpha.copy()
        for version in self._up_to(number):
            alpha[version.place][version.hole] = 255
        return alpha

    def _up_to(self, number: int) -> list[Version]:
        """The versions that one is made of, the first fill first."""
        chain = []
        while number:
            chain.append(self.version(number))
            number = chain[-1].base
        return chain[::-1]

    def mask(self, identity: str) -> np.ndarray:
        """bool [H, W]. Raises RequestError (404)."""
        if identity not in self.masks:
            raise RequestError(404, "there is no such mask; drop the mask file on the page again.")
        return self.masks[identity]


class Sessions:
    """All open photos.

    Args:
        memory_bytes: What they may hold together; the longest unused ones are closed to make room.
        idle_seconds: After which an unused one is closed.
    """

    def __init__(self, memory_bytes: int, idle_seconds: float):
        self._memory_bytes, self._idle_seconds = memory_bytes, idle_seconds
        self._photos: dict[str, OpenPhoto] = {}
        self._lock = threading.Lock()

    def open(self, photo: OpenPhoto) -> None:
        """Keeps a photo, and closes others if they are idle or memory is short."""
        with self._lock:
            self._photos[photo.id] = photo
        self.make_room(keep=photo)

    def find(self, identity: str) -> OpenPhoto:
        """Raises RequestError (404) if it was closed."""
        photo = self._photos.get(identity)
        if photo is None:
            raise RequestError(404, "this photo is not open any more; open it again.")
        photo.used = time.monotonic()
        return photo

    def close(self, identity: str) -> None:
        with self._lock:
            self._photos.pop(identity, None)

    def close_all(self) -> None:
        with self._lock:
            self._photos.clear()

    def make_room(self, keep: OpenPhoto | None = None) -> None:
        """Closes photos that are idle, and the longest unused ones while memory is short; never `keep`."""
        now = time.monotonic()
        with self._lock:
            by_age = sorted(self._photos.values(), key=lambda photo: photo.used)
            held = sum(photo.bytes_held for photo in by_age)
            for photo in by_age:
                if photo is keep or (held <= self._memory_bytes and now - photo.used <= self._idle_seconds):
                    continue
                del self._photos[photo.id]
                held -= photo.bytes_held

    @property
    def count(self) -> int:
        return len(self._photos)
