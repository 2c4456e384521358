"""Killed between writing and renaming, the same command again ends as if nothing had been, and nothing is left over."""

import numpy as np
import pytest
from PIL import Image

from inpaint_tf.commands.dispatcher import main
from inpaint_tf.evaluation.results import read_lines


def inpaint(photos, output):
    masks = photos.parent / "masks"
    return ["inpaint", f"--image={photos}", f"--mask={masks}", f"--output={output}", "--resume"]


def hidden(folder):
    return [path for path in folder.rglob(".*")]


@pytest.mark.slow
def test_a_batch_that_is_killed_goes_on_and_leaves_nothing(photos, tmp_path, killed, capsys):
    output = tmp_path / "completed"
    killed(3, *inpaint(photos, output))
    assert sorted(path.name for path in output.glob("[0-9]*")) == ["0.png", "1.png"] and len(hidden(output)) == 1
    done = {path: path.stat().st_mtime_ns for path in output.glob("*.png")}
    assert main(inpaint(photos, output)) == 0
    assert "2 completed, 2 kept, 0 failed" in " ".join(capsys.readouterr())
    assert {path: path.stat().st_mtime_ns for path in done} == done and not hidden(output)
    for index in range(4):
        photo, mask, result = (
            np.array(Image.open(folder / f"{index}.png")) for folder in (photos, tmp_path / "masks", output)
        )
        assert np.array_equal(result[mask == 0], photo[mask == 0])


@pytest.mark.slow  # 10 s: two evaluations.
def test_an_evaluation_that_is_killed_goes_on(photos, tmp_path, killed, capsys):
    rng = np.random.default_rng(1)
    for path in photos.iterdir():
        Image.fromarray(rng.integers(0, 256, (256, 256, 3), np.uint8)).save(path)
    words = [
        "evaluate",
        "--protocol=center128",
        f"--images={photos}",
        "--methods=mean,telea",
        f"--output={tmp_path}/out",
    ]
    killed(9, *words)
    assert hidden(tmp_path / "out")
    assert main(words) == 0
    assert not hidden(tmp_path / "out") and len(read_lines(tmp_path / "out" / "results.jsonl")) > 10
    capsys.readouterr()


@pytest.mark.slow
@pytest.mark.parametrize("words", [["make_records", "--shards=2"], ["masks", "make", "--kind=box", "--count=4"]])
def test_what_is_killed_at_its_first_rename_starts_anew(photos, tmp_path, killed, words):
    words = [*words, f"--output={tmp_path}/out", *([f"--train_data={photos}"] if words[0] == "make_records" else [])]
    killed(1, *words)
    assert hidden(tmp_path / "out")
    assert main(words) == 0
    assert not hidden(tmp_path / "out") and list((tmp_path / "out").iterdir())


@pytest.mark.slow  # Half a minute: three processes that train.
@pytest.mark.parametrize("rename", [1, 2, 4])
def test_training_that_is_killed_at_a_rename_ends_as_one_that_was_not(photos, tmp_path, killed, rename):
    """Rename 1 is configuration.json, 2 flags.txt; the first preset, samples and curves are among those that follow."""
    tiny = ["--image_size=32", "--width=2", "--critic_width=2", "--batch_size=2", "--n_critic=0", "--max_steps=2",
            "--adversarial_weight=0", "--log_every=1", "--checkpoint_every=1", "--sample_images=1"]  # fmt: skip
    words = ["train", f"--train_data={photos}", f"--run_dir={tmp_path}/run", *tiny]
    killed(rename, *words)
    assert main(words) == 0
    run = tmp_path / "run"
    assert {".lock"} == {path.name for path in hidden(run)}
    assert "step 2 of" in (run / "preset" / "config.json").read_text()
    assert [line["step"] for line in read_lines(run / "metrics.jsonl")] == [1, 2]
    assert (run / "samples" / "step_00000002.png").exists() and (run / "curves.png").exists()
