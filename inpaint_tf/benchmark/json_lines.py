"""Measurements are appended, never replaced: a line of JSON each."""

import json
import pathlib
from collections.abc import Sequence
from typing import Any

from inpaint_tf.errors import UserError


def append_lines(path: pathlib.Path, rows: Sequence[dict[str, Any]]) -> None:
    """Appends rows to a file of JSON lines, whose folder is made. Raises UserError if that fails."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "a", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}.") from error
