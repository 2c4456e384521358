"""Looks at every training photo before step 0, so that a bad list stops a run at its start and with the reason.

The original's loader retries unreadable files for ever and says nothing, which is the best-known complaint about it.
"""

import concurrent.futures
import dataclasses
import os
from typing import Any

from inpaint_tf.data.crops import decode
from inpaint_tf.data.decoding import picture_size
from inpaint_tf.errors import UserError, reason
from inpaint_tf.progress import progress

# How many bad files an error or a report names.
NAMED = 5


@dataclasses.dataclass(frozen=True)
class DataReport:
    """What the check found.

    Attributes:
        total: Photos looked at.
        bad: Number of the photo -> what is wrong with it.
    """

    total: int
    bad: dict[int, str]

    @property
    def good(self) -> list[int]:
        """Numbers of the usable photos, ascending."""
        return [index for index in range(self.total) if index not in self.bad]

    def summary(self, source: Any) -> str:
        """One line: how many of how many are bad, by reason, and the first few by name."""
        if not self.bad:
            return f"{self.total} training photos, all usable"
        kinds = {}
        for why in self.bad.values():
            kind = why.split(":")[0]
            kinds[kind] = kinds.get(kind, 0) + 1
        counts = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        named = "; ".join(f"{source.name(index)} ({reason})" for index, reason in list(self.bad.items())[:NAMED])
        more = f"; and {len(self.bad) - NAMED} more" if len(self.bad) > NAMED else ""
        return f"{len(self.bad)} of {self.total} training photos cannot be used ({counts}): {named}{more}"


def check_source(source: Any, how: str, smallest_side: int, limit: float) -> DataReport:
    """Checks all photos of a source.

    Args:
        source: See `sources`.
        how: "header": existence, format and size by the file's header; "decode": every photo is decoded whole; "off".
        smallest_side: Shortest side that a photo may have.
        limit: Largest share of bad photos.

    Returns:
        A `DataReport`.

    Raises:
        UserError: if more than `limit` are bad, or all; it counts them by reason and names the first.
    """
    if how == "off":
        return DataReport(len(source), {})

    def look(index):
        return problem(source, index, how, smallest_side)

    with concurrent.futures.ThreadPoolExecutor(min(32, 4 * (os.cpu_count() or 1))) as pool:
        found = list(progress(pool.map(look, range(len(source)), chunksize=64), len(source), "photo checked"))
    report = DataReport(len(source), {index: reason for index, reason in enumerate(found) if reason})
    if len(report.bad) > limit * report.total or len(report.bad) == report.total:
        raise UserError(
            f"{report.summary(source)}. At most {limit:.1%} may be bad (--bad_data_limit); "
            "correct the list, or raise the limit to leave them out."
        )
    return report


def problem(source: Any, index: int, how: str, smallest_side: int) -> str | None:
    """What is wrong with a photo, as "missing", "unreadable: why" or "too small: size"; None if nothing."""
    try:
        if how == "decode":
            height, width = decode(source.read(index)).shape[:2]
        else:
            height, width = picture_size(source.header(index))
    except FileNotFoundError:
        return "missing"
    except UserError as error:
        return f"unreadable: {error}"
    except Exception as error:
        return f"unreadable: {reason(error)}"
    if min(height, width) < smallest_side:
        return f"too small: {width}x{height}, needs {smallest_side} on its shorter side"
    return None
