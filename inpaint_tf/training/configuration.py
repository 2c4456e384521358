"""Everything that decides a training run, in one frozen dataclass.

Every field carries its own help, range and choices, so the command's flags, the checks and the documentation come
from one place. A field whose default is `OF_RECIPE` takes that of the model's recipe, which also knows what contradicts
the model. Fields marked `free` may change when a run is resumed; a change of any other is refused, because the run
would no longer be the one that its folder describes.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from inpaint_tf.errors import UserError
from inpaint_tf.training.recipes import option_defaults, options_for

# Names of `losses.ADVERSARIAL_LOSSES`, spelt out so that flags need no TensorFlow.
ADVERSARIAL = ("wgan", "bce", "non_saturating", "least_squares", "hinge")
PRECISIONS = ("float32", "tf32", "mixed_bfloat16", "mixed_float16")
STRATEGIES = ("auto", "one_device", "mirrored", "multi_worker")
CROPS = ("random_crop", "fit_crop", "scaled_crop", "resize")
CHECKS = ("header", "decode", "off")
HOLES = ("authors", "mixed")
SKETCHES = ("gradients", "hed")
RECONSTRUCTIONS = ("authors", "hole")
INITIAL_STAGES = ("all", "coarse")
CRITICS = ("both", "local", "global")
SCHEDULES = ("constant", "linear", "cosine", "halving")
# The default of what systems differ in; `TrainingConfig` replaces it on construction.
OF_RECIPE = None


def _option(
    default: Any,
    text: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: Sequence[str] | None = None,
    free: bool = False,
) -> Any:
    return dataclasses.field(
        default=default, metadata={"help": text, "low": low, "high": high, "choices": choices, "free": free}
    )


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """The resolved configuration of a run. The defaults are the authors' for Places2 at 256x256.

    What is not given (or None) takes the default of the model's recipe where systems differ; after construction no
    field is None.

    Raises:
        UserError: on construction, naming the value, what is accepted and, for values that contradict each other, both.
    """

    # Data.
    train_data: str = _option(
        "",
        "Training photos: a list (one path per line), a folder, a glob, or TFRecord shards. They may move, but a run "
        "that is resumed needs the same.",
        free=True,
    )
    data_root: str = _option(
        "", "Folder that relative paths of a list start from; empty means the list's own.", free=True
    )
    crop: str = _option(
        OF_RECIPE,
        "How a photo becomes a square: a random crop at its own scale, a random crop after scaling the short side to "
        "--image_size, the same at a random scale between that and its own, or a plain resize.",
        choices=CROPS,
    )
    image_size: int = _option(256, "Side of the training images in pixels, a multiple of 16.", low=32, high=4096)
    flip: bool = _option(False, "Mirror half of the photos left to right (the authors don't).")
    colour_jitter: float = _option(
        0.0,
        "Strength of random brightness, contrast and saturation changes; 0 is off, as the authors have it.",
        low=0.0,
        high=0.9,
    )
    mask_per_image: bool = _option(
        OF_RECIPE, "A hole for every image instead of one for the whole batch (the authors')."
    )
    holes: str = _option(
        "authors",
        "The authors' holes, or a mix of boxes and strokes of all sizes, for people with photos.",
        choices=HOLES,
    )
    sketches: str = _option(
        "gradients",
        "Lines that a guided model is shown: thinned gradients of the photo, or HED's, as its authors took (package of "
        "the extra 'perceptual'; a VGG16 more for every batch).",
        choices=SKETCHES,
    )
    sketch_collages: float = _option(
        0.0,
        "Share of the batches in which a guided model sees photos cut along a random curve, other colours beyond it, "
        "and is shown the curve alone: teaches it to follow a sketch.",
        low=0.0,
        high=1.0,
    )
    check_data: str = _option(
        "header",
        "How every file is checked before step 0: by its header, by decoding it whole, or not at all.",
        choices=CHECKS,
    )
    bad_data_limit: float = _option(0.01, "Largest share of unusable files; more stop the run.", low=0.0, high=1.0)
    data_workers: int = _option(0, "Photos decoded at once; 0 lets tf.data decide.", low=0, high=1024, free=True)
    # Networks.
    model: str = _option("deepfill_v1", "Name of the generator in the registry of models.")
    width: int = _option(OF_RECIPE, "Base width of the generator, even.", low=2, high=1024)
    initial_preset: str = _option(
        "",
        "Preset whose weights the generator starts from, widened if it is narrower than --width (DeepFill v1 and its "
        "baseline), given a channel for the sketch if the run's model is its guided form; empty starts at random. "
        "Optimisers start afresh.",
    )
    initial_stage: str = _option(
        "all",
        "What is taken of --initial_preset: all of it, or the coarse network alone.",
        choices=INITIAL_STAGES,
    )
    critic_width: int = _option(64, "Base width of the critics; the authors' is 64.", low=1, high=1024)
    critics: str = _option(
        "both", "Which of the two critics of DeepFill v1 take part; the paper argues for both.", choices=CRITICS
    )
    # Losses.
    adversarial: str = _option(OF_RECIPE, "Adversarial loss.", choices=ADVERSARIAL)
    adversarial_weight: float = _option(OF_RECIPE, "Weight of the adversarial loss of the generator.", low=0.0)
    global_weight: float = _option(1.0, "Weight of the global critic in it, relative to the local one.", low=0.0)
    penalty_weight: float = _option(10.0, "Weight of the gradient penalty (WGAN only).", low=0.0)
    r1_weight: float = _option(
        0.0,
        "Weight of R1, half the squared gradient of the critic at photos (--adversarial=non_saturating only).",
        low=0.0,
    )
    feature_matching_weight: float = _option(
        0.0, "Weight of the difference between the critic's features of fill and photo.", low=0.0
    )
    perceptual_weight: float = _option(
        0.0,
        "Weight of the difference between fill and photo in features of a frozen network, on a crop around the hole.",
        low=0.0,
    )
    perceptual_network: str = _option(
        "hed", "That network: hed (VGG16 of the extra 'perceptual'), or the folder of a SavedModel."
    )
    perceptual_layers: int = _option(4, "How many of its feature maps take part, from the first on.", low=1, high=64)
    perceptual_scale: int = _option(
        1,
        "Side of the squares of pixels whose mean that network sees as one: 2 leaves fine texture alone.",
        low=1,
        high=8,
    )
    spectrum_weight: float = _option(
        0.0,
        "Weight of the difference between local spectra of fill and photo, on the same crop; against meshes.",
        low=0.0,
    )
    spectrum_scale: int = _option(
        1, "Side of the squares of pixels whose mean the spectra see as one: 2 asks for no grain.", low=1, high=4
    )
    l1_weight: float = _option(OF_RECIPE, "Weight of the discounted L1 of the box.", low=0.0)
    known_weight: float = _option(1.2, "Weight of the L1 of known pixels.", low=0.0)
    coarse_weight: float = _option(OF_RECIPE, "Weight of the coarse output in both L1 losses.", low=0.0)
    reconstruction: str = _option(
        "authors",
        "The authors' L1 (v1: discounted over the box, v2: over the image), or for both and any shape of hole v1's "
        "with the discount counted from known pixels and the mean taken over the hole.",
        choices=RECONSTRUCTIONS,
    )
    spatial_discount: float = _option(
        0.9,
        "Discount of a pixel's L1 per pixel of distance from the box's border; the paper's text says 0.99.",
        low=0.01,
        high=1.0,
    )
    # Schedule.
    max_steps: int = _option(OF_RECIPE, "Generator steps of the whole run.", low=1, free=True)
    batch_size: int = _option(OF_RECIPE, "Images a step, over all devices.", low=1, high=65536)
    accumulate: int = _option(1, "Parts that a device's batch is worked through in, to save memory.", low=1, high=4096)
    n_critic: int = _option(
        OF_RECIPE, "Critic steps before each generator step, each on a fresh batch.", low=0, high=1000
    )
    pretrain_coarse_steps: int = _option(
        OF_RECIPE, "Steps of a warm-up with the coarse network and reconstruction losses alone.", low=0
    )
    pretrain_critic_steps: int = _option(
        OF_RECIPE, "Steps after the warm-up in which only the critics learn (GLCIC).", low=0
    )
    learning_rate: float = _option(
        OF_RECIPE, "Peak learning rate of generator and critics (GLCIC: a factor).", low=0.0, high=10.0, free=True
    )
    learning_rate_schedule: str = _option(
        "constant",
        "How the learning rate falls after the warm-up: not at all; linearly or as a half cosine to 0 at --max_steps; "
        "halved every --halving_steps.",
        choices=SCHEDULES,
    )
    learning_rate_warmup: int = _option(0, "Steps over which the learning rate rises from 0.", low=0)
    halving_steps: int = _option(50_000, "Steps between two halvings of the learning rate.", low=1)
    beta_1: float = _option(0.5, "Adam's decay of the mean gradient.", low=0.0, high=0.99999)
    beta_2: float = _option(OF_RECIPE, "Adam's decay of the squared gradient.", low=0.0, high=0.99999)
    epsilon: float = _option(1e-8, "Adam's epsilon, added as TensorFlow 1 does.", low=0.0, high=1.0)
    clip_norm: float = _option(0.0, "Largest global norm of a gradient; 0 doesn't clip.", low=0.0, free=True)
    ema_decay: float = _option(
        OF_RECIPE,
        "Decay of the averaged weights that are evaluated and exported; 0 uses the weights themselves.",
        low=0.0,
        high=0.999999,
    )
    # Execution.
    precision: str = _option(
        "float32",
        "Arithmetic of the convolutions; losses are float32 always. tf32 is float32 with short mantissas in products, "
        "on GPUs that have it (Ampere and later).",
        choices=PRECISIONS,
    )
    jit_compile: bool = _option(False, "Compile the steps with XLA (faster on GPUs, slower on CPUs).")
    strategy: str = _option("auto", "Devices to train on.", choices=STRATEGIES, free=True)
    deterministic: bool = _option(False, "Make TensorFlow's operations deterministic (slower).")
    seed: int = _option(0, "Seed of weights, order, crops and holes.", low=0, high=2**31 - 1)
    loss_limit: float = _option(1e6, "A loss term beyond this size stops the run as exploded.", low=0.0, free=True)
    # Run folder.
    run_dir: str = _option("", "Folder of the run: configuration, logs, checkpoints, samples, preset.", free=True)
    log_every: int = _option(50, "Steps between two lines of progress and metrics.", low=1, free=True)
    sample_every: int = _option(1000, "Steps between two sample grids; 0 writes none.", low=0, free=True)
    sample_images: int = _option(6, "Photos in the sample grid.", low=1, high=64, free=True)
    checkpoint_every: int = _option(1000, "Steps between two checkpoints.", low=1, free=True)
    keep_checkpoints: int = _option(3, "Checkpoints kept.", low=1, high=10_000, free=True)
    validation_images: str = _option("", "Folder of photos for the metrics; empty measures none.", free=True)
    validate_every: int = _option(5000, "Steps between two measurements.", low=1, free=True)

    def __post_init__(self) -> None:
        options = options_for(self.model)
        defaults = {**{field.name: field.default for field in dataclasses.fields(self)}, **options.defaults}
        for field in dataclasses.fields(self):
            if getattr(self, field.name) is None:
                object.__setattr__(self, field.name, defaults[field.name])
            _check_field(field, getattr(self, field.name))
        if self.image_size % 16:
            raise UserError(f"--image_size={self.image_size} must be a multiple of 16.")
        if self.width % 2:
            raise UserError(f"--width={self.width} must be even.")
        if self.batch_size % self.accumulate:
            raise UserError(f"--accumulate={self.accumulate} does not divide --batch_size={self.batch_size}.")
        if self.deterministic and self.precision == "tf32":
            raise UserError(
                "--deterministic contradicts --precision=tf32: what has to be the same everywhere needs float32; "
                "leave one of them out."
            )
        if self.initial_stage != "all" and not self.initial_preset:
            raise UserError(f"--initial_stage={self.initial_stage} says nothing without --initial_preset.")
        if self.adversarial_weight > 0 and self.n_critic == 0:
            raise UserError(
                f"--n_critic=0 contradicts --adversarial_weight={self.adversarial_weight}: critics that never move "
                "teach nothing. Set --adversarial_weight=0 for reconstruction alone, or --n_critic to 1 or more."
            )
        if self.r1_weight > 0 and self.adversarial != "non_saturating":
            raise UserError(
                f"--r1_weight={self.r1_weight} contradicts --adversarial={self.adversarial}: R1 belongs to "
                "--adversarial=non_saturating."
            )
        if self.spectrum_weight > 0 and self.image_size < 64 * self.spectrum_scale:
            raise UserError(
                f"--spectrum_weight={self.spectrum_weight} with --spectrum_scale={self.spectrum_scale} needs "
                f"--image_size of {64 * self.spectrum_scale} or more, not {self.image_size}: spectra are averaged over "
                "32 squares of pixels."
            )
        if self.feature_matching_weight > 0 and self.n_critic == 0:
            raise UserError(
                f"--feature_matching_weight={self.feature_matching_weight} contradicts --n_critic=0: features of "
                "critics that never move say nothing."
            )
        options.check(self, defaults)
        if self.pretrain_coarse_steps > self.max_steps:
            raise UserError(
                f"--pretrain_coarse_steps={self.pretrain_coarse_steps} is more than --max_steps={self.max_steps}; "
                "the warm-up is part of the run."
            )

    @property
    def box_size(self) -> int:
        """Side of the box around the hole."""
        return self.image_size // 2

    @property
    def batches_per_iteration(self) -> int:
        """Fresh batches that an iteration of critic steps and a generator step takes."""
        return self.n_critic + 1

    def to_dict(self) -> dict[str, Any]:
        """Field -> value."""
        return dataclasses.asdict(self)

    def differences(self, other: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
        """Field -> (value here, value in `other`, a dictionary) for fields that a resumed run must not change."""
        fixed = [field.name for field in dataclasses.fields(self) if not field.metadata["free"]]
        return {
            name: (getattr(self, name), other.get(name))
            for name in fixed
            if name not in other or getattr(self, name) != other[name]
        }


def help_text(field: dataclasses.Field) -> str:
    """What --help says of a field: its help and, where systems differ, their defaults."""
    if field.default is not OF_RECIPE:
        return field.metadata["help"]
    defaults = ", ".join(f"{value} ({title})" for title, value in option_defaults(field.name).items())
    return f"{field.metadata['help']} Default: {defaults}."


def _check_field(field: dataclasses.Field, value: Any) -> None:
    kind: Any = field.type
    low, high, choices = (field.metadata[key] for key in ("low", "high", "choices"))
    if not isinstance(value, kind) and not (kind is float and isinstance(value, int)):
        raise UserError(f"--{field.name}={value!r} must be of type {kind.__name__}.")
    if choices is not None and value not in choices:
        raise UserError(f"--{field.name}={value} is unknown; known: {', '.join(choices)}.")
    if value != value or (low is not None and value < low) or (high is not None and value > high):
        limits = f"{low} to {high}" if high is not None else f"{low} or more"
        raise UserError(f"--{field.name}={value} is out of range: {limits}.")
