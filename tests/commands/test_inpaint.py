"""The inpaint command as its user meets it: files, exit codes, one line on standard error."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from inpaint_tf.commands.dispatcher import main
from inpaint_tf.data.image_files import read_photo, write_image
from inpaint_tf.inference.inpainter import Inpainter
from inpaint_tf.models.presets import save_preset
from inpaint_tf.models.registry import build_model


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("presets") / "tiny"
    save_preset(folder, build_model("deepfill_v1", width=4), "deepfill_v1", {"width": 4}, "RGB", source="a test")
    return folder


@pytest.fixture(scope="module", autouse=True)
def inpainters():
    """Presets are loaded once for the same options, in place of once for every call: tracing takes most of the time."""
    made, from_preset = {}, Inpainter.from_preset

    def cached(*arguments, **options):
        key = (*map(str, arguments), *sorted(options.items(), key=str))
        if key not in made:
            made[key] = from_preset(*arguments, **options)
        return made[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Inpainter, "from_preset", cached)
        yield


@pytest.fixture
def files(tmp_path, rng):
    """A photo and a mask, 40x24, in tmp_path."""
    write_image(tmp_path / "photo.png", rng.integers(0, 256, (24, 40, 3), dtype=np.uint8))
    write_mask(tmp_path / "mask.png")
    return tmp_path


def write_mask(path, shape=(24, 40), hole=(slice(5, 15), slice(10, 30))):
    mask = np.zeros((*shape, 3), np.uint8)
    mask[hole] = 255
    write_image(path, mask)


def inpaint(preset, folder, *words, image="photo.png", mask="mask.png", output="out.png"):
    flags = [f"--preset={preset}", f"--image={folder / image}", f"--output={folder / output}"]
    return main(["inpaint", *flags, *([f"--mask={folder / mask}"] if mask else []), *words])


def one_line(capsys):
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1, said
    return said[0]


def test_known_pixels_are_kept_and_all_pictures_written(preset, files, capsys):
    names = ("output_coarse", "output_flow", "side_by_side", "show_plan")
    extras = [f"--{name}={files / name}.png" for name in names]
    assert inpaint(preset, files, *extras) == 0
    photo, completed = read_photo(files / "photo.png").rgb, read_photo(files / "out.png").rgb
    hole = read_photo(files / "mask.png").rgb[..., 0] > 127
    assert np.array_equal(completed[~hole], photo[~hole])
    assert not np.array_equal(completed[hole], photo[hole])
    coarse = read_photo(files / "output_coarse.png").rgb
    assert np.array_equal(coarse[~hole], photo[~hole]) and not np.array_equal(coarse, completed)
    flow = read_photo(files / "output_flow.png").rgb
    assert flow.shape == photo.shape and np.all(flow[~hole] == 255)
    # Three pictures and two gaps of 8 pixels.
    assert read_photo(files / "side_by_side.png").rgb.shape == (24, 3 * 40 + 16, 3)
    assert read_photo(files / "show_plan.png").rgb.shape[1] > 40
    assert capsys.readouterr().out.strip() == str(files / "out.png")


def test_a_full_run_gives_the_same_and_has_no_plan(preset, files, capsys):
    assert inpaint(preset, files, "--memory_budget=400MiB") == 0
    assert inpaint(preset, files, "--plan=full", output="full.png") == 0
    difference = read_photo(files / "out.png").rgb.astype(int) - read_photo(files / "full.png").rgb
    assert np.max(np.abs(difference)) <= 1 and np.mean(difference != 0) < 0.001
    capsys.readouterr()
    for options in (("--plan=full",), ("--attention=literal",), ("--working_size=auto",)):
        assert inpaint(preset, files, *options, f"--show_plan={files / 'p.png'}", output="x.png") == 2
        assert "add --plan=hole --attention=fast --working_size=full" in one_line(capsys)
    assert inpaint(preset, files, "--memory_budget=1MiB", output="x.png") == 2
    assert "is too small" in one_line(capsys) and not (files / "x.png").exists()


def test_existing_output_is_kept_unless_told(preset, files, capsys):
    (files / "out.png").write_bytes(b"mine")
    assert inpaint(preset, files) == 2
    assert "exists already; --overwrite" in one_line(capsys)
    assert inpaint(preset, files, "--resume") == 0
    assert (files / "out.png").read_bytes() == b"mine"
    assert inpaint(preset, files, "--overwrite") == 0
    assert read_photo(files / "out.png").rgb.shape == (24, 40, 3)


def test_folder_goes_on_past_bad_files_and_says_so(preset, tmp_path, rng, capsys):
    (tmp_path / "photos").mkdir()
    (tmp_path / "masks").mkdir()
    for name in ("a", "b", "c"):
        write_image(tmp_path / "photos" / f"{name}.png", rng.integers(0, 256, (24, 40, 3), dtype=np.uint8))
    write_mask(tmp_path / "masks" / "a.png")
    write_mask(tmp_path / "masks" / "c_mask.png")
    (tmp_path / "photos" / "broken.jpg").write_bytes(b"no image")
    write_mask(tmp_path / "masks" / "broken.png")
    call = {"image": "photos", "mask": "masks", "output": "out"}
    assert inpaint(preset, tmp_path, **call) == 1
    said = capsys.readouterr()
    assert "2 completed, 0 kept, 2 failed" in said.out
    assert "b.png: no mask of that name" in said.err and "broken.jpg is not an image" in said.err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "c.png"]
    assert inpaint(preset, tmp_path, **call) == 2
    assert inpaint(preset, tmp_path, "--resume", **call) == 1
    assert "0 completed, 2 kept, 2 failed" in capsys.readouterr().out


def test_one_mask_for_a_folder(preset, files, capsys):
    (files / "photos").mkdir()
    for name in ("a.png", "b.png"):
        (files / "photos" / name).write_bytes((files / "photo.png").read_bytes())
    assert inpaint(preset, files, image="photos", output="out") == 0
    assert sorted(path.name for path in (files / "out").iterdir()) == ["a.png", "b.png"]


def test_list_file(preset, files, capsys):
    (files / "list.txt").write_text("# photo mask\nphoto.png\tmask.png\n\n")
    assert inpaint(preset, files, image="list.txt", mask=None, output="out") == 0
    assert (files / "out" / "photo.png").exists()
    (files / "list.txt").write_text("photo.png\n")
    assert inpaint(preset, files, image="list.txt", mask=None, output="out2") == 2
    assert "line 1: expected" in one_line(capsys).split("results", 1)[-1]


def test_mask_without_hole_copies_with_a_word(preset, files, capsys):
    write_mask(files / "mask.png", hole=(slice(0, 0), slice(0, 0)))
    assert inpaint(preset, files) == 0
    assert "has no hole; the photo was copied unchanged" in capsys.readouterr().err
    assert (files / "out.png").read_bytes() == (files / "photo.png").read_bytes()


def test_inverted_and_resized_masks(preset, files, capsys):
    mask = read_photo(files / "mask.png").rgb
    write_image(files / "inverted.png", 255 - mask)
    write_image(files / "small.png", np.ascontiguousarray(mask[::2, ::2]))
    assert inpaint(preset, files) == 0
    assert inpaint(preset, files, "--invert_mask", mask="inverted.png", output="out2.png") == 0
    assert (files / "out.png").read_bytes() == (files / "out2.png").read_bytes()
    assert inpaint(preset, files, "--resize_mask", mask="small.png", output="out3.png") == 0
    assert "resized from 20x12 to 40x24" in capsys.readouterr().err


def test_transparency_as_mask(preset, files, capsys):
    photo = read_photo(files / "photo.png")
    photo.alpha = np.full((24, 40), 255, np.uint8)
    photo.alpha[5:15, 10:30] = 0
    write_image(files / "cut.png", photo.rgb, like=photo)
    assert inpaint(preset, files) == 0
    assert inpaint(preset, files, "--alpha_as_mask", image="cut.png", mask=None, output="cut_out.png") == 0
    assert np.array_equal(read_photo(files / "cut_out.png").rgb, read_photo(files / "out.png").rgb)
    assert read_photo(files / "cut_out.png").alpha is None


@pytest.mark.slow
def test_deterministic_runs_are_bit_identical(preset, files):
    code = (
        "import sys; from inpaint_tf.commands.dispatcher import main; "
        "sys.exit(main(['inpaint', '--deterministic', *sys.argv[1:]]))"
    )
    for name in ("a.png", "b.png"):
        words = [f"--preset={preset}", f"--image={files / 'photo.png'}", f"--mask={files / 'mask.png'}"]
        subprocess.run([sys.executable, "-c", code, *words, f"--output={files / name}"], check=True)
    assert (files / "a.png").read_bytes() == (files / "b.png").read_bytes()


def broken(files, kind):
    """Makes one thing wrong; returns the call's arguments and what the error must name."""
    if kind == "missing photo":
        return {"image": "nothing.png"}, "nothing.png does not exist"
    if kind == "missing mask":
        return {"mask": "nothing.png"}, "nothing.png does not exist"
    if kind == "no image":
        (files / "photo.png").write_text("hello")
        return {}, "photo.png is not an image"
    if kind == "truncated JPEG":
        write_image(files / "photo.jpg", read_photo(files / "photo.png").rgb)
        content = (files / "photo.jpg").read_bytes()
        (files / "photo.jpg").write_bytes(content[: len(content) // 2])
        return {"image": "photo.jpg"}, "photo.jpg is damaged"
    if kind == "mask of another size":
        write_mask(files / "mask.png", shape=(24, 41))
        return {}, "is 41x24, photo"
    if kind == "no known pixel":
        write_mask(files / "mask.png", hole=slice(None))
        return {}, "covers the whole photo"
    if kind == "unwritable suffix":
        return {"output": "out.xyz"}, "suffix must be one of"
    if kind == "no such folder":
        return {"output": "photo.png/out.png"}, "is no folder"
    if kind == "output equals input":
        return {"output": "photo.png"}, "is one of the input files"
    if kind == "output equals mask":
        return {"output": "mask.png"}, "is one of the input files"
    raise AssertionError(kind)


@pytest.mark.parametrize(
    "kind",
    [
        "missing photo",
        "missing mask",
        "no image",
        "truncated JPEG",
        "mask of another size",
        "no known pixel",
        "unwritable suffix",
        "no such folder",
        "output equals input",
        "output equals mask",
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(kind, preset, files, capsys):
    arguments, message = broken(files, kind)
    before = {path.name: path.read_bytes() for path in files.iterdir()}
    assert inpaint(preset, files, **arguments) == 2
    assert message in one_line(capsys)
    assert {path.name: path.read_bytes() for path in files.iterdir()} == before


def test_unwritable_folder(preset, files, capsys):
    assert (
        main(["inpaint", f"--image={files / 'photo.png'}", f"--mask={files / 'mask.png'}", "--output=/proc/x.png"]) == 2
    )
    assert "cannot write /proc/x.png" in one_line(capsys)


def test_unknown_preset_lists_those_there_are(files, capsys):
    assert inpaint("nonsense", files) == 2
    assert "preset 'nonsense' is neither a bundled preset" in one_line(capsys)
    assert not (files / "out.png").exists()


def test_corrupt_weights(preset, files, tmp_path, capsys):
    import shutil

    shutil.copytree(preset, tmp_path / "corrupt")
    with open(tmp_path / "corrupt" / "weights.npz", "r+b") as weights:
        weights.seek(1000)
        weights.write(b"\0\0\0\0")
    assert inpaint(tmp_path / "corrupt", files) == 2
    assert "is corrupt: its SHA-256" in one_line(capsys)


@pytest.mark.parametrize(
    "words,message",
    [
        ([], "needs --image"),
        (["--nonsense=1"], "Unknown command line flag 'nonsense'"),
        (["--image=/", "--output=/x"], "needs --mask"),
        (["--image=/", "--mask=/", "--output=/x", "--overwrite", "--resume"], "contradict"),
        (["photo.png"], "takes IMAGE MASK OUTPUT, or flags; got 1 of them: photo.png"),
    ],
)
def test_bad_usage_is_one_line(words, message, capsys):
    assert main(["inpaint", *words]) == 2
    assert message in one_line(capsys)


@pytest.fixture(scope="module")
def guided(tmp_path_factory):
    folder = tmp_path_factory.mktemp("presets") / "guided"
    model = build_model("deepfill_v2_guided", width=8)
    save_preset(folder, model, "deepfill_v2_guided", {"width": 8}, "RGB", source="a test")
    return folder


def test_a_guide_leads_a_guided_model(guided, files, capsys):
    write_mask(files / "sketch.png", hole=(slice(9, 10), slice(0, 40)))
    assert inpaint(guided, files, f"--guide={files / 'sketch.png'}") == 0
    assert inpaint(guided, files, output="free.png") == 0
    led, free = (read_photo(files / name).rgb for name in ("out.png", "free.png"))
    hole = read_photo(files / "mask.png").rgb[..., 0] > 127
    assert np.array_equal(led[~hole], free[~hole]) and not np.array_equal(led[hole], free[hole])
    # A black guide is worth a word.
    write_mask(files / "black.png", hole=(slice(0, 0), slice(0, 0)))
    capsys.readouterr()
    assert inpaint(guided, files, f"--guide={files / 'black.png'}", "--overwrite") == 0
    assert "the sketch covers 0% of the hole" in capsys.readouterr().err


def test_folders_of_guides_go_by_name(guided, files):
    for name in ("photos", "sketches"):
        (files / name).mkdir()
    for name in ("a", "b"):
        (files / "photos" / f"{name}.png").write_bytes((files / "photo.png").read_bytes())
    write_mask(files / "sketches" / "b.png", hole=(slice(9, 10), slice(0, 40)))
    assert inpaint(guided, files, f"--guide={files / 'sketches'}", image="photos", output="out") == 0
    a, b = (read_photo(files / "out" / f"{name}.png").rgb for name in ("a", "b"))
    assert not np.array_equal(a, b)


@pytest.mark.parametrize(
    "shape,preset_name,message",
    [
        ((24, 41), "guided", "sketch.png is 41x24, photo"),
        ((24, 40), "preset", "is of model deepfill_v1. Leave it out, or take --preset="),
        (None, "guided", "sketch.png does not exist"),
    ],
)
def test_a_guide_that_cannot_be_used(shape, preset_name, message, files, request, capsys):
    if shape is not None:
        write_mask(files / "sketch.png", shape, (slice(9, 10), slice(0, 40)))
    assert inpaint(request.getfixturevalue(preset_name), files, f"--guide={files / 'sketch.png'}") == 2
    assert message in one_line(capsys)


def test_poisson_blending(preset, files):
    assert inpaint(preset, files, "--blend=poisson") == 0
    assert inpaint(preset, files, output="plain.png") == 0
    blended, plain = (read_photo(files / name).rgb for name in ("out.png", "plain.png"))
    hole = read_photo(files / "mask.png").rgb[..., 0] > 127
    assert np.array_equal(blended[~hole], plain[~hole]) and not np.array_equal(blended[hole], plain[hole])


def test_patches_are_copies_and_the_flow_is_exact(preset, files):
    assert inpaint(preset, files, "--detail=patches", "--blend=none", f"--output_flow={files / 'flow.png'}") == 0
    photo, completed = read_photo(files / "photo.png").rgb, read_photo(files / "out.png").rgb
    hole = read_photo(files / "mask.png").rgb[..., 0] > 127
    assert np.array_equal(completed[~hole], photo[~hole])
    # The photo is noise: whose colours are the photo's is a copy.
    known = {tuple(colour) for colour in photo[~hole]}
    assert all(tuple(colour) in known for colour in completed[hole])
    flow = read_photo(files / "flow.png").rgb
    assert (flow[~hole] == 255).all() and (flow[hole] != 255).any(axis=-1).all()


def test_patches_where_there_are_none_say_so(preset, files, capsys):
    write_mask(files / "all_but_one.png", hole=(slice(None), slice(2, None)))
    assert inpaint(preset, files, "--detail=patches", mask="all_but_one.png") == 0
    assert "no patch of the photo to copy from" in capsys.readouterr().err


def test_working_size_is_a_number_a_word_or_refused(preset, files, capsys):
    assert inpaint(preset, files, "--working_size=20") == 0
    assert inpaint(preset, files, "--working_size=auto", output="auto.png") == 0
    capsys.readouterr()
    assert inpaint(preset, files, "--working_size=huge", output="x.png") == 2
    assert "auto, full, or a number" in one_line(capsys)


def test_the_hole_grows_and_its_edge_is_soft(preset, files):
    photo = read_photo(files / "photo.png").rgb.astype(int)
    hole = read_photo(files / "mask.png").rgb[..., 0] > 127
    assert inpaint(preset, files, "--grow_mask=3") == 0
    changed = (read_photo(files / "out.png").rgb != photo).any(axis=-1)
    assert changed[10, 8] and changed[10, 7] and not changed[10, 6] and changed[hole].mean() > 0.95
    assert inpaint(preset, files, "--feather=3", output="soft.png") == 0
    soft = read_photo(files / "soft.png").rgb
    assert np.array_equal(soft[:2], photo[:2]) and np.array_equal(soft[:, :7], photo[:, :7])
    # The same hole was filled; in its ring the photo shines through.
    out = read_photo(files / "out.png").rgb.astype(int)
    assert np.array_equal(soft[hole], out[hole])
    ring = changed & ~hole
    assert np.abs(soft - photo)[ring].mean() < 0.8 * np.abs(out - photo)[ring].mean()


def test_a_photo_is_extended_with_and_without_a_mask(preset, files, capsys):
    photo = read_photo(files / "photo.png").rgb
    assert inpaint(preset, files, "--extend=8,0,16,4", mask=None) == 0
    larger = read_photo(files / "out.png").rgb
    assert larger.shape == (28, 64, 3) and np.array_equal(larger[:24, 8:48], photo)
    assert larger[:, 50:].std() > 0
    assert inpaint(preset, files, "--extend=8,0,16,4", output="both.png") == 0
    both = read_photo(files / "both.png").rgb
    assert both.shape == larger.shape and not np.array_equal(both[5:15, 18:38], photo[5:15, 10:30])
    capsys.readouterr()
    assert inpaint(preset, files, "--extend=8", output="x.png") == 2
    assert "LEFT,TOP,RIGHT,BOTTOM" in one_line(capsys)


def test_a_gpu_whose_memory_is_too_small_is_one_line(preset, files, capsys, monkeypatch):
    def failing(*_):
        raise tf.errors.InternalError(None, None, "RESOURCE_EXHAUSTED: Failed to allocate request for 2.00GiB")

    monkeypatch.setattr("inpaint_tf.planned.run.PlannedRun._run", failing)
    assert inpaint(preset, files) == 2
    tries, line = capsys.readouterr().err.strip().splitlines()
    assert "trying again within" in tries and "memory ran out twice" in line and "--memory_budget" in line
    assert not (files / "out.png").exists()
