"""What people say: a blind choice between two completions, as a page that needs no server, and the votes' evaluation.

The page shows pairs of pictures without names, sides drawn at random; which method is where stands in a key file that
stays at home. People save their answers as a file. Every pair of methods gets a two-sided binomial test on the votes
that chose (ties are counted and left out), and all methods together Bradley-Terry strengths.

Reference: Bradley and Terry, Rank Analysis of Incomplete Block Designs, Biometrika 1952; the iteration is Hunter's, MM
Algorithms for Generalized Bradley-Terry Models, 2004.
"""

import base64
import collections
import hashlib
import importlib.resources
import itertools
import json
import pathlib
from typing import NamedTuple

import numpy as np

from inpaint_tf.data.image_files import read_photo
from inpaint_tf.errors import UserError
from inpaint_tf.files import write_bytes
from inpaint_tf.schema import integer, list_of, nullable, one_of, read_json, record, text
from inpaint_tf.visualize.grids import encode_jpeg

PAGE, KEY = "study.html", "study_key.json"
CHOICES = ("left", "right", "tie")
_ITEM = record({"entry": integer(0), "left": text, "right": text})
_KEY = record({"study": text, "items": list_of(_ITEM)}, others=True)
_ANSWERS = record({"study": text, "votes": list_of(nullable(one_of(*CHOICES)))}, others=True)
_METHOD = record({"method": text}, others=True)


class Item(NamedTuple):
    """One question: two methods' completions of one mask."""

    entry: int
    left: str
    right: str


class PairOutcome(NamedTuple):
    """Votes between two methods.

    Attributes:
        first, second: The methods.
        wins, losses, ties: Votes for the first, for the second, for neither.
        p_value: Two-sided exact binomial test that both are as likely; 1 without a vote that chose.
    """

    first: str
    second: str
    wins: int
    losses: int
    ties: int
    p_value: float


def write_study(output: pathlib.Path, methods: list[str], questions: int, seed: int) -> list[Item]:
    """Writes the page and its key into an evaluation's folder.

    Args:
        output: Output folder of `inpaint-tf evaluate`, whose `cache/` holds the completed pictures.
        methods: Of those measured there, at least two; empty means all.
        questions: How many pairs to show, at most; pairs of methods take turns.
        seed: Of masks and sides.

    Returns:
        The items in the order of the page.

    Raises:
        UserError: if there are fewer than two methods, or pictures are missing, or jinja2 is not installed.
    """
    template = _template()
    folders = _methods_of(output)
    if unknown := sorted(set(methods) - set(folders)):
        raise UserError(f"{output} has no results of {', '.join(unknown)}; it has {', '.join(folders) or 'none'}.")
    chosen = methods or list(folders)
    if len(chosen) < 2:
        raise UserError(f"a study needs at least two methods; {output} has {', '.join(chosen) or 'none'}.")
    random = np.random.default_rng(seed)
    waiting = []
    for first, second in itertools.combinations(chosen, 2):
        both = sorted(_pictures(folders[first]) & _pictures(folders[second]))
        waiting.append([(first, second, entry) for entry in random.permutation(both)])
    turns = [question for turn in itertools.zip_longest(*waiting) for question in turn if question is not None]
    items = []
    for first, second, entry in turns[:questions]:
        left, right = (first, second) if random.random() < 0.5 else (second, first)
        items.append(Item(int(entry), left, right))
    if not items:
        raise UserError(f"{output} has no mask that two of {', '.join(chosen)} completed.")
    items = [items[place] for place in random.permutation(len(items))]
    key = [item._asdict() for item in items]
    name = hashlib.sha256(json.dumps(key).encode()).hexdigest()[:12]
    pictures = [[_picture(folders[method], item.entry) for method in (item.left, item.right)] for item in items]
    write_bytes(output / KEY, (json.dumps({"study": name, "items": key}, indent=1) + "\n").encode())
    write_bytes(output / PAGE, template.render(study=name, items=pictures).encode())
    return items


def read_votes(output: pathlib.Path, files: list[pathlib.Path]) -> list[tuple[Item, str]]:
    """Every answer of some files of votes with its item.

    Raises:
        UserError: if the key or a file cannot be understood, or a file belongs to another study.
    """
    key = read_json(output / KEY, "the key that the study page was written with", _KEY)
    name, items = key["study"], [Item(**item) for item in key["items"]]
    answers = []
    for file in files:
        content = read_json(file, "answers saved by a study page", _ANSWERS, "Have it saved again.")
        if content["study"] != name:
            raise UserError(f"{file} holds no answers to the study in {output}.")
        votes = content["votes"]
        if len(votes) != len(items):
            raise UserError(f"{file} has answers that the page does not give; have it saved again.")
        answers += [(item, vote) for item, vote in zip(items, votes, strict=True) if vote is not None]
    return answers


def pair_outcomes(answers: list[tuple[Item, str]]) -> list[PairOutcome]:
    """Votes by pair of methods, in order of appearance."""
    from scipy.stats import binomtest

    counts: dict[tuple[str, str], collections.Counter[str]] = {}
    for item, vote in answers:
        first, second = sorted((item.left, item.right))
        winner = {"left": item.left, "right": item.right}.get(vote)
        counts.setdefault((first, second), collections.Counter())[winner or ""] += 1
    outcomes = []
    for (first, second), votes in counts.items():
        wins, losses = votes[first], votes[second]
        p_value = binomtest(wins, wins + losses).pvalue if wins + losses else 1.0
        outcomes.append(PairOutcome(first, second, wins, losses, votes[""], float(p_value)))
    return outcomes


def strengths(outcomes: list[PairOutcome], iterations: int = 1000) -> dict[str, float]:
    """Bradley-Terry strengths, strongest first, with a sum of 1.

    The chance that a is chosen over b is s_a / (s_a + s_b). Half a vote for each side of every pair keeps a method that
    never lost finite.
    """
    methods = sorted({name for outcome in outcomes for name in (outcome.first, outcome.second)})
    wins = np.zeros((len(methods), len(methods)))
    for outcome in outcomes:
        a, b = methods.index(outcome.first), methods.index(outcome.second)
        wins[a, b] += outcome.wins + 0.5
        wins[b, a] += outcome.losses + 0.5
    games, s = wins + wins.T, np.full(len(methods), 1 / len(methods))
    for _ in range(iterations):
        s = wins.sum(axis=1) / (games / (s[:, np.newaxis] + s)).sum(axis=1)
        s /= s.sum()
    order = np.argsort(-s)
    return {methods[place]: float(s[place]) for place in order}


def outcome_text(answers: list[tuple[Item, str]]) -> str:
    """Strengths and pairs as Markdown tables."""
    outcomes = pair_outcomes(answers)
    lines = ["| method | strength |", "| --- | --- |"]
    lines += [f"| {name} | {value:.3f} |" for name, value in strengths(outcomes).items()]
    lines += ["", "| pair | first chosen | second chosen | could not tell | p |", "| --- | --- | --- | --- | --- |"]
    for found in outcomes:
        pair = f"{found.first} or {found.second}"
        lines.append(f"| {pair} | {found.wins} | {found.losses} | {found.ties} | {found.p_value:.3g} |")
    return "\n".join(lines)


def _methods_of(output: pathlib.Path) -> dict[str, pathlib.Path]:
    folders = {}
    for about in sorted((output / "cache").glob("*/method.json")):
        folders[read_json(about, "the record of a method's results", _METHOD)["method"]] = about.parent
    return folders


def _pictures(folder: pathlib.Path) -> set[int]:
    return {int(file.stem) for file in folder.glob("[0-9]*.png") if file.stem.isdigit()}


def _picture(folder: pathlib.Path, entry: int) -> str:
    pixels = read_photo(folder / f"{entry:05d}.png").rgb
    return "data:image/jpeg;base64," + base64.b64encode(encode_jpeg(pixels, quality=92)).decode()


def _template():
    try:
        import jinja2
    except ImportError:
        raise UserError('a study needs jinja2 and scipy: pip install "inpaint_tf[evaluation]".') from None
    page = (
        importlib.resources.files("inpaint_tf.evaluation").joinpath("templates/study.html").read_text(encoding="utf-8")
    )
    return jinja2.Environment(autoescape=True).from_string(page)
