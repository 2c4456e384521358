"""From a configuration to photos that can be trained on: finds them, checks them once, remembers what it found."""

import json
import pathlib
from collections.abc import Callable
from typing import Any

from inpaint_tf.data.check import DataReport, check_source
from inpaint_tf.data.crops import needed_side
from inpaint_tf.data.sources import open_source
from inpaint_tf.files import write_bytes
from inpaint_tf.schema import integer, mapping, read_json, record, text
from inpaint_tf.training.configuration import TrainingConfig

_REPORT = "data_report.json"
_SCHEMA = record({"fingerprint": text, "check": text, "total": integer(0), "bad": mapping(text)})


def prepare_photos(config: TrainingConfig, say: Callable[[str], None] = print) -> tuple[Any, str, Any]:
    """Finds and checks the training photos.

    A resumed run trusts the report of its folder, so that it sees the same photos as before and starts at once.

    Args:
        config: A `TrainingConfig`.
        say: Called with a line about the photos that are left out.

    Returns:
        The usable photos as a source, the fingerprint of the whole source, and the `DataReport`.

    Raises:
        UserError: if there are no photos, or too many that cannot be used.
    """
    source = open_source(config.train_data, config.data_root)
    for note in source.notes:
        say(f"--train_data: {note}")
    fingerprint = source.fingerprint()
    report = _remembered(config, fingerprint)
    if report is None:
        smallest = needed_side(config.crop, config.image_size)
        report = check_source(source, config.check_data, smallest, config.bad_data_limit)
        if report.bad:
            say(f"{report.summary(source)}; left out")
    return (source.subset(report.good) if report.bad else source), fingerprint, report


def remember_report(config: TrainingConfig, fingerprint: str, report: Any) -> None:
    """Writes the report into the run's folder."""
    content = {"fingerprint": fingerprint, "check": config.check_data, "total": report.total, "bad": report.bad}
    write_bytes(pathlib.Path(config.run_dir) / _REPORT, (json.dumps(content, indent=1) + "\n").encode())


def _remembered(config, fingerprint):
    try:
        known = read_json(pathlib.Path(config.run_dir) / _REPORT, "a report on data", _SCHEMA)
        if config.run_dir and fingerprint.matches(known["fingerprint"]) and known["check"] == config.check_data:
            return DataReport(known["total"], {int(index): reason for index, reason in known["bad"].items()})
    except ValueError:  # Missing or damaged: the photos are looked at again.
        pass
    return None
