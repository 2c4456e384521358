"""Methods from outside: a folder of somebody's results, or a command that makes them.

    folder:NAME=PATH       results that are there already
    command:NAME=WORDS     a program, e.g. "command:mine=python fill.py {image} {mask} {output}"

Only the hole of a result counts: known pixels are the image's own, so results written as JPEG are not refused. A
result belongs to a mask by its number (`00000.png`, as in the mask set), or to an image by its name if the set has one
mask for each.
"""

import hashlib
import pathlib
import shlex
import subprocess
import tempfile
from collections.abc import Sequence

import numpy as np

from inpaint_tf.data.image_files import READABLE, read_photo, write_image
from inpaint_tf.data.photo_lists import scan_folder
from inpaint_tf.errors import UserError, name_some, printable
from inpaint_tf.evaluation.method import Case, Completion, Method

FOLDER, COMMAND = "folder:", "command:"
PLACES = ("{image}", "{mask}", "{output}")


def outside_method(name: str) -> Method:
    """The `Method` of "folder:NAME=PATH" or "command:NAME=WORDS".

    Raises:
        UserError: for another form, a folder that is not there or empty, or a command without its three places.
    """
    kind = FOLDER if name.startswith(FOLDER) else COMMAND
    title, given, value = name[len(kind) :].partition("=")
    if not title or not given or not value:
        raise UserError(f"method {name!r}: write {kind}NAME={'PATH' if kind == FOLDER else 'WORDS'}.")
    return _folder(kind + title, pathlib.Path(value)) if kind == FOLDER else _command(kind + title, value)


def _folder(name: str, folder: pathlib.Path) -> Method:
    if not folder.is_dir():
        raise UserError(f"method {name}: {folder} is no folder; it holds results named like the masks or the images.")
    files = scan_folder(folder, recursive=True).photos
    if not files:
        raise UserError(f"method {name}: {folder} holds no pictures ({' '.join(READABLE)}).")
    by_name: dict[str, list[pathlib.Path]] = {}
    for file in files:
        by_name.setdefault(file.relative_to(folder).with_suffix("").as_posix(), []).append(file)
    state = "\n".join(f"{file.relative_to(folder)} {file.stat().st_size} {file.stat().st_mtime_ns}" for file in files)

    def check(cases: Sequence[tuple[int, str, bool]]) -> None:
        wanted = [_result_names(*case) for case in cases]
        if not any(candidate in by_name for names in wanted for candidate in names):
            example = " or ".join(wanted[0])
            raise UserError(
                f"method {name}: none of the {len(files)} pictures in {printable(folder)} is named like a mask or an "
                f"image of this set; the first one's result is {printable(example)}, and there is "
                f"{printable(files[0].name)}."
            )

    def run(case: Case) -> Completion:
        names = _result_names(case.number, case.name, case.only_mask)
        found = next((by_name[candidate] for candidate in names if candidate in by_name), None)
        if found is None:
            raise ValueError(f"{folder} has no result named {' or '.join(names)}")
        if len(found) > 1:
            raise ValueError(f"{folder} has several results of one name: {name_some([file.name for file in found])}")
        return _composited(found[0], case)

    fingerprint = f"folder {hashlib.sha256(state.encode()).hexdigest()[:16]}"
    return Method(name, fingerprint, run_case=run, check=check)


def _result_names(number: int, image: str, only_mask: bool) -> list[str]:
    """What the result of an entry may be called, without suffix."""
    names = [f"{number:05d}"]
    if only_mask:
        path = pathlib.PurePosixPath(image).with_suffix("")
        names += [path.as_posix(), path.name]
    return list(dict.fromkeys(names))


def _command(name: str, text: str) -> Method:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UserError(f"method {name}: the command cannot be split into words ({error}).") from error
    if missing := [place for place in PLACES if not any(place in word for word in words)]:
        raise UserError(f"method {name}: the command lacks {', '.join(missing)}; it gets the three files there.")

    def run(case: Case) -> Completion:
        with tempfile.TemporaryDirectory() as made:
            files = {place: str(pathlib.Path(made) / f"{place[1:-1]}.png") for place in PLACES}
            write_image(files["{image}"], np.where(case.hole[..., np.newaxis], np.uint8(0), case.image))
            write_image(files["{mask}"], np.repeat(case.hole.astype(np.uint8)[..., np.newaxis] * 255, 3, axis=-1))
            ready = [_filled_in(word, files) for word in words]
            done = subprocess.run(ready, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
            if done.returncode:
                last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["it says nothing"]
                raise ValueError(f"the command ended with {done.returncode}: {last[0]}")
            return _composited(pathlib.Path(files["{output}"]), case)

    return Method(name, f"command {text}", run_case=run)


def _filled_in(word: str, files: dict[str, str]) -> str:
    for place, file in files.items():
        word = word.replace(place, file)
    return word


def _composited(file: pathlib.Path, case: Case) -> Completion:
    result = read_photo(file).rgb
    if result.shape != case.image.shape:
        sizes = " and ".join(f"{array.shape[1]}x{array.shape[0]}" for array in (result, case.image))
        raise ValueError(f"{file.name} and the image that was cut for it have different sizes: {sizes}")
    return Completion(np.where(case.hole[..., np.newaxis], result, case.image))
