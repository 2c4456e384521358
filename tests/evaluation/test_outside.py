"""Results and programs of others, compared in the same run."""

import sys

import numpy as np
import pytest
from PIL import Image

from inpaint_tf.commands.dispatcher import main
from inpaint_tf.errors import UserError
from inpaint_tf.evaluation.methods import methods_named
from inpaint_tf.evaluation.protocols import PROTOCOLS, ImageSource, prepare
from inpaint_tf.evaluation.runner import run_method
from inpaint_tf.masks.manifest import write_mask_set


@pytest.fixture
def run(photos, tmp_path):
    """A function: method name, protocol -> `MethodRun`."""

    def measured(name, protocol="center128"):
        manifest, holes = prepare(PROTOCOLS[protocol], ImageSource(photos))
        write_mask_set(tmp_path / protocol, manifest, holes)
        (method,) = methods_named([name])
        return run_method(method, manifest, ImageSource(photos), tmp_path / protocol, tmp_path / protocol)

    return measured


def save(folder, name, value=90):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (256, 256), (value,) * 3).save(folder / name)


def test_results_are_found_by_image_and_known_pixels_do_not_count(run, tmp_path):
    for name in ("a.jpg", "b.png", "more/c.png"):
        save(tmp_path / "theirs", name)
    found = run(f"folder:theirs={tmp_path / 'theirs'}")
    assert found.method == "folder:theirs" and not found.failed
    completed = np.array(Image.open(found.picture(0)))
    assert (completed[64:192, 64:192] == 90).all() and completed[:64].std() > 10


def test_results_are_found_by_the_number_of_the_mask(run, tmp_path):
    for number in range(15):
        save(tmp_path / "theirs", f"{number:05d}.png", value=number)
    found = run(f"folder:theirs={tmp_path / 'theirs'}", "free_form")
    assert not found.failed
    assert np.array(Image.open(found.picture(7)))[..., 0].min() <= 7


def test_with_several_masks_an_images_name_says_too_little(run, tmp_path):
    save(tmp_path / "theirs", "a.png")
    found = run(f"folder:theirs={tmp_path / 'theirs'}", "free_form")
    assert "has no result named 00000" in found.failed[0].error


def test_a_missing_and_a_wrong_sized_result_are_named_and_the_others_count(run, tmp_path):
    save(tmp_path / "theirs", "a.png")
    Image.new("RGB", (40, 256)).save(tmp_path / "theirs" / "b.png")
    found = run(f"folder:theirs={tmp_path / 'theirs'}")
    errors = [row.error for row in found.failed]
    assert len(errors) == 2 and "different sizes: 40x256 and 256x256" in errors[0]
    assert "no result named 00002 or more/c or c" in errors[1]


def test_other_results_in_the_folder_are_measured_anew(run, tmp_path):
    save(tmp_path / "theirs", "a.png", value=90)
    name = f"folder:theirs={tmp_path / 'theirs'}"
    first = run(name).rows[0].terms
    save(tmp_path / "theirs", "a.png", value=91)
    assert run(name).rows[0].terms != first


def test_a_command_gets_image_and_mask_and_its_output_is_measured(run, tmp_path):
    script = tmp_path / "fill.py"
    script.write_text(
        "import sys\nfrom PIL import Image\nimage, mask, output = sys.argv[1:]\n"
        "photo = Image.open(image)\nassert photo.getpixel((128, 128)) == (0, 0, 0)\n"
        "photo.paste((50, 60, 70), mask=Image.open(mask).convert('L'))\nphoto.save(output)\n"
    )
    found = run(f"command:mine={sys.executable} {script} {{image}} {{mask}} {{output}}")
    assert not found.failed
    assert tuple(np.array(Image.open(found.picture(1)))[100, 100]) == (50, 60, 70)


def test_what_a_failing_command_said_is_kept(run):
    found = run(f"command:mine={sys.executable} -c \"raise SystemExit('no weights')\" {{image}} {{mask}} {{output}}")
    assert "the command ended with 1: no weights" in found.failed[0].error


@pytest.mark.parametrize(
    "name, message",
    [
        ("folder:mine", "write folder:NAME=PATH"),
        ("folder:=x", "write folder:NAME=PATH"),
        ("folder:mine=nowhere", "nowhere is no folder"),
        ("command:mine=run {image} {mask}", r"lacks \{output\}"),
        ("command:mine=run '{image} {mask} {output}", "cannot be split into words"),
    ],
)
def test_bad_names_are_refused_before_anything_runs(name, message):
    with pytest.raises(UserError, match=message):
        methods_named([name])


def test_two_results_of_one_name_are_not_chosen_between(run, tmp_path):
    for name in ("a.png", "a.jpg", "b.png", "more/c.png"):
        save(tmp_path / "theirs", name)
    (failed,) = run(f"folder:theirs={tmp_path / 'theirs'}").failed
    assert "several results of one name: a.jpg, a.png" in failed.error


def test_hidden_files_and_other_kinds_are_no_results(run, tmp_path):
    for name in ("a.png", "b.png", "more/c.png", ".a.png", ".thumbs/a.png", "__MACOSX/a.png"):
        save(tmp_path / "theirs", name)
    (tmp_path / "theirs/a.txt").write_text("how it was made")
    assert not run(f"folder:theirs={tmp_path / 'theirs'}").failed


def call(photos, tmp_path, *words):
    return main(["evaluate", "--protocol=center128", f"--images={photos}", f"--output={tmp_path / 'out'}", *words])


def test_a_folder_with_none_of_the_results_is_refused_before_anything_runs(photos, tmp_path, capsys):
    for name in ("x1.png", "x2.png"):
        save(tmp_path / "theirs", name)
    assert call(photos, tmp_path, f"--methods=mean,folder:theirs={tmp_path / 'theirs'}") == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert "none of the 2 pictures" in said and "result is 00000 or a, and there is x1.png" in said
    assert not (tmp_path / "out").exists()


def test_missing_results_are_named_and_the_means_said_not_to_compare(photos, tmp_path, capsys):
    for name in ("a.png", "b.png"):
        save(tmp_path / "theirs", name)
    assert call(photos, tmp_path, f"--methods=mean,folder:theirs={tmp_path / 'theirs'}") == 1
    said = capsys.readouterr()
    assert (
        "failed: folder:theirs on mask 2: ValueError" in said.err and "no result named 00002 or more/c or c" in said.err
    )
    assert "its means are over 2 of 3 masks and do not compare" in said.err and "failed on 1 of 3" in said.out
    assert "over 2 of 3 masks" in (tmp_path / "out/index.html").read_text()


def test_many_missing_results_are_few_lines(photos, tmp_path, capsys):
    save(tmp_path / "theirs", "00000.png")
    words = ["evaluate", "--protocol=free_form", f"--images={photos}", f"--output={tmp_path / 'out'}"]
    assert main([*words, f"--methods=folder:theirs={tmp_path / 'theirs'}"]) == 1
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("failed")]
    assert len(said) == 6 and "on 9 more masks" in said[-1]


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(UserError, match="holds no pictures"):
        methods_named([f"folder:mine={tmp_path}"])
