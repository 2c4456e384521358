"""What `import inpaint_tf` gives: quick, quiet, and known to editors."""

import inspect
import os
import pathlib
import subprocess
import sys

import jedi
import pytest

import inpaint_tf
import inpaint_tf.attention
import inpaint_tf.layers
import inpaint_tf.models
from inpaint_tf.lazy_names import lazy_names
from inpaint_tf.models.registry import MODELS

ROOT = pathlib.Path(__file__).parent.parent


def python(code):
    """Runs code in a process of its own, with what a user's shell has set."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("TF_CPP_MIN_LOG_LEVEL", None)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)


@pytest.mark.slow
def test_using_the_library_says_nothing():
    done = python("import inpaint_tf; print(inpaint_tf.Inpainter.__name__)\nfrom inpaint_tf.layers import ConvBlock")
    assert (done.stdout, done.stderr) == ("Inpainter\n", "")


def test_presets_are_listed_without_tensorflow():
    done = python(
        "import sys\n"
        "from inpaint_tf.commands.dispatcher import main\n"
        "assert main(['presets']) == 0\n"
        "loaded = {name.split('.')[0] for name in sys.modules}\n"
        "assert not loaded & {'tensorflow', 'keras', 'PIL', 'cv2'}, loaded\n"
    )
    assert "(default)" in done.stdout


@pytest.mark.parametrize("package", [inpaint_tf, inpaint_tf.layers, inpaint_tf.models, inpaint_tf.attention])
def test_every_public_name_is_there(package):
    assert all(getattr(package, name) for name in package.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'Imprinter'"):
        _ = package.Imprinter


def test_an_unknown_name_loads_nothing():
    with pytest.raises(AttributeError, match="module 'p' has no attribute 'x'"):
        lazy_names("p", {})("x")


@pytest.mark.parametrize(
    "code, name",
    [
        ("import inpaint_tf\ninpaint_tf.Inp", "Inpainter"),
        ("import inpaint_tf\ninpaint_tf.Inpainter.from_", "from_preset"),
        ("import inpaint_tf\ninpaint_tf.Inpainter.from_preset().ru", "run"),
        ("from inpaint_tf.layers import ContextualAttention\nContextualAttention.get_con", "get_config"),
        ("from inpaint_tf import models\nmodels.DeepF", "DeepFillV2"),
    ],
)
def test_editors_complete(code, name):
    found = jedi.Script(code, project=jedi.Project(ROOT, added_sys_path=[str(ROOT)])).complete()
    assert name in [completion.name for completion in found]


def test_type_checkers_are_told_that_there_are_types():
    assert (ROOT / "inpaint_tf" / "py.typed").is_file()
    assert '"inpaint_tf": ["py.typed"]' in (ROOT / "setup.py").read_text()


@pytest.mark.parametrize("name", sorted(MODELS))
def test_the_registry_knows_what_each_class_takes(name):
    entry = MODELS[name]
    taken = set(inspect.signature(entry.model_class).parameters) - {"kwargs"}
    assert not set(entry.fixed) & set(entry.open)
    assert taken == {*entry.fixed, *entry.open}
