"""The blind choice: pages that do not tell, votes that are counted right."""

import json

import pytest

from inpaint_tf.commands.dispatcher import main
from inpaint_tf.errors import UserError
from inpaint_tf.evaluation.study import Item, PairOutcome, pair_outcomes, read_votes, strengths, write_study


@pytest.fixture
def output(photos, tmp_path):
    folder = tmp_path / "out"
    call = ["evaluate", "--protocol=center128", f"--images={photos}", f"--output={folder}", "--methods=mean,telea,ns"]
    assert main(call) == 0
    return folder


def test_a_page_shows_pairs_without_names_and_the_key_stays_at_home(output):
    items = write_study(output, [], 100, seed=3)
    # Three masks, three pairs of methods.
    assert len(items) == 9 and len({(item.entry, *sorted(item[1:])) for item in items}) == 9
    page = (output / "study.html").read_text()
    assert page.count("data:image/jpeg") == 18
    assert not any(name in page.replace("meaning", "") for name in ("telea", "ns,", "cache/"))
    key = json.loads((output / "study_key.json").read_text())
    assert key["study"] in page and [Item(**item) for item in key["items"]] == items
    assert len({item.left for item in items}) > 1


def test_pairs_take_turns_and_the_seed_decides(output):
    items = write_study(output, ["telea", "ns", "mean"], 3, seed=1)
    assert len({tuple(sorted(item[1:])) for item in items}) == 3
    assert write_study(output, ["telea", "ns", "mean"], 3, seed=1) == items
    assert write_study(output, ["telea", "ns", "mean"], 3, seed=2) != items


def test_votes_are_counted_for_the_method_not_for_the_side(output, tmp_path, capsys):
    items = write_study(output, ["telea", "mean"], 100, seed=0)
    study = json.loads((output / "study_key.json").read_text())["study"]
    votes = ["left" if item.left == "telea" else "right" for item in items]
    files = []
    for person, answers in enumerate([votes, [*votes[:2], "tie"], [None, *votes[1:]]]):
        files.append(tmp_path / f"{person}.json")
        files[-1].write_text(json.dumps({"study": study, "votes": answers}))
    (found,) = pair_outcomes(read_votes(output, files))
    assert found[:5] == ("mean", "telea", 0, 7, 1)
    assert found.p_value == pytest.approx(2 * 0.5**7)
    assert main(["evaluate", "study", f"--output={output}", f"--votes={files[0]},{files[1]}"]) == 0
    assert "| mean or telea | 0 | 5 | 1 | 0.0625 |" in capsys.readouterr().out


def test_strengths_give_back_the_chances():
    # a beats b 3:1, b beats c 3:1, a beats c 9:1: odds of 9:3:1, up to the half vote that each side gets.
    outcomes = [PairOutcome("a", "b", 3000, 1000, 0, 0), PairOutcome("b", "c", 3000, 1000, 0, 0)]
    found = strengths([*outcomes, PairOutcome("a", "c", 3600, 400, 9, 0)])
    assert list(found) == ["a", "b", "c"]
    assert found["a"] / found["b"] == pytest.approx(3, rel=0.01) and found["b"] / found["c"] == pytest.approx(
        3, rel=0.01
    )


def test_the_command_writes_a_page(output, capsys):
    assert main(["evaluate", "study", f"--output={output}", "--methods=telea,ns", "--questions=2"]) == 0
    assert "2 questions" in capsys.readouterr().out and (output / "study.html").exists()


def test_what_does_not_belong_is_refused(output, tmp_path):
    with pytest.raises(UserError, match="study_key.json does not exist"):
        read_votes(output, [])
    with pytest.raises(UserError, match="no results of biharmonic; it has mean, ns, telea"):
        write_study(output, ["biharmonic", "ns"], 5, 0)
    with pytest.raises(UserError, match="at least two methods"):
        write_study(output, ["ns"], 5, 0)
    write_study(output, [], 2, 0)
    study = json.loads((output / "study_key.json").read_text())["study"]
    for content, said in [
        ({"study": "other", "votes": []}, "no answers to the study"),
        ({"study": study, "votes": ["left"]}, "does not give"),
        ({"study": study, "votes": ["left", "up"]}, r"votes\[1\] must be one of left, right, tie"),
        ({"study": study, "votes": ["left", {}]}, r"votes\[1\] must be one of"),
        ([], "cannot be read as answers saved by a study page: it must be an object"),
    ]:
        (tmp_path / "v.json").write_text(json.dumps(content))
        with pytest.raises(UserError, match=said):
            read_votes(output, [tmp_path / "v.json"])
