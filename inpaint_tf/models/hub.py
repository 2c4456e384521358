"""Presets on the Hugging Face hub: `hf://organisation/name`, read through the hub's own client and cache.

The client (extra `hub`) keeps what it fetched, so that a second use needs no network; `HF_HUB_OFFLINE=1` makes it use
the cache alone. Only the files of a preset are fetched, whatever else the repository holds.
"""

import pathlib
import re
from typing import NamedTuple

from inpaint_tf.errors import UserError

PREFIX = "hf://"
# What a preset consists of; weights are checked against the configuration's SHA-256 when they are read.
FILES = ("config.json", "weights.npz", "MODEL_CARD.md", "other_variables.npz")
_PLACE = re.compile(r"hf://(?P<name>[\w.-]+/[\w.-]+)(@(?P<revision>[\w./-]+))?")


class HubPlace(NamedTuple):
    """A repository on the hub.

    Attributes:
        name: "organisation/name".
        revision: Branch, tag or commit; None is the default branch.
    """

    name: str
    revision: str | None


def is_hub_place(name: object) -> bool:
    """Whether a preset's name means a repository on the hub."""
    return isinstance(name, str) and name.startswith(PREFIX)


def parse_place(text: str) -> HubPlace:
    """ "hf://organisation/name[@revision]" -> `HubPlace`. Raises UserError for another form."""
    found = _PLACE.fullmatch(text)
    if found is None:
        raise UserError(f"{text!r} names no preset on the hub; write hf://organisation/name or ...@revision.")
    return HubPlace(found["name"], found["revision"])


def fetched_folder(text: str) -> pathlib.Path:
    """The folder of a preset on the hub, in the client's cache; fetched if it is not there.

    Args:
        text: "hf://organisation/name[@revision]".

    Raises:
        UserError: if the client is not installed, the hub cannot be reached and the preset is not in the cache, or
            there is no such preset.
    """
    place = parse_place(text)
    hub = _client()
    try:
        folder = hub.snapshot_download(place.name, revision=place.revision, allow_patterns=list(FILES))
    except Exception as error:
        raise _explained(text, error) from error
    if not (pathlib.Path(folder) / FILES[0]).is_file():
        raise UserError(f"{text} holds no preset: it has no {FILES[0]}. See inpaint-tf presets push.")
    return pathlib.Path(folder)


def push(folder: pathlib.Path, text: str, private: bool = False) -> str:
    """Puts a preset's files into a repository on the hub, which is made if it is not there.

    Args:
        folder: A preset folder with a model card, which tells its readers about data and terms.
        text: "hf://organisation/name".
        private: Whether a new repository is private.

    Returns:
        The address of the commit.

    Raises:
        UserError: if the card is missing, nobody is logged in, or the hub refuses.
    """
    place = parse_place(text)
    if not (folder / "MODEL_CARD.md").is_file():
        raise UserError(f"{folder} has no MODEL_CARD.md; write down data, terms and measures before you share weights.")
    hub = _client()
    files = [hub.CommitOperationAdd(name, str(folder / name)) for name in FILES if (folder / name).is_file()]
    # The hub shows README.md as the page of a repository.
    files.append(hub.CommitOperationAdd("README.md", str(folder / "MODEL_CARD.md")))
    try:
        api = hub.HfApi()
        api.create_repo(place.name, private=private, exist_ok=True)
        made = api.create_commit(
            place.name, files, commit_message=f"Preset {folder.name}", revision=place.revision or "main"
        )
    except Exception as error:
        raise _explained(text, error) from error
    return str(made.commit_url)


def _client():
    try:
        import huggingface_hub
        from huggingface_hub.utils import logging
    except ImportError:
        raise UserError('presets on the hub need its client: pip install "inpaint_tf[hub]".') from None
    # What matters of its remarks becomes an error here.
    logging.set_verbosity_error()
    return huggingface_hub


def _explained(text: str, error: Exception) -> UserError:
    """One line for whatever the client raised."""
    names = {kind.__name__ for kind in type(error).__mro__}
    status = getattr(getattr(error, "response", None), "status_code", None)
    if "LocalTokenNotFoundError" in names or status in (401, 403):
        advice = "the hub refuses: check the name, and log in with `hf auth login` if it is not public."
    elif names & {"RepositoryNotFoundError", "RevisionNotFoundError"} or status == 404:
        advice = "there is no such preset; check organisation, name and revision."
    elif "LocalEntryNotFoundError" in names or names & {"OfflineModeIsEnabled", "ConnectError", "ConnectionError"}:
        advice = "it is not in the cache and the hub cannot be reached; check the network, or give a preset's folder."
    else:
        advice = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    return UserError(f"{text}: {advice}")
