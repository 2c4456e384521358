"""Inpaints photos in an Apache Beam pipeline: a recipe, for people who have a Beam runner.

    pip install inpaint_tf apache-beam
    python experiments/export/beam_recipe.py --photos='photos/*.jpg' --masks=masks/ --output=filled/ [Beam's options]

Every worker loads the preset once (`load_model`); a photo's mask has its name, as PNG. A photo that fails is counted
and named, and the others go on. Photos and results go through Beam's file systems, so they may lie in a bucket.
"""

import argparse
import io
import logging
import pathlib

import apache_beam as beam
import numpy as np
from apache_beam.io.filesystems import FileSystems
from apache_beam.ml.inference.base import ModelHandler, PredictionResult, RunInference
from apache_beam.options.pipeline_options import PipelineOptions
from PIL import Image


class Inpaint(ModelHandler):
    """Runs an `Inpainter` on elements (name, photo uint8 [H, W, 3], mask uint8 [H, W])."""

    def __init__(self, preset=None):
        super().__init__()
        self.preset = preset

    def load_model(self):
        import inpaint_tf

        return inpaint_tf.Inpainter.from_preset(self.preset)

    def run_inference(self, batch, model, inference_args=None):
        # One after the other: photos differ in size, and a photo uses all cores.
        for name, photo, mask in batch:
            try:
                yield PredictionResult(name, model(photo, mask))
            except Exception as error:  # Whatever one photo does, the others are still filled.
                logging.warning("%s: %s", name, error)
                yield PredictionResult(name, None)

    def batch_elements_kwargs(self):
        return {"max_batch_size": 1}

    def share_model_across_processes(self):
        return True


def read(path, masks):
    name = pathlib.PurePosixPath(path).stem
    with FileSystems.open(path) as photo, FileSystems.open(FileSystems.join(masks, f"{name}.png")) as mask:
        return name, np.array(Image.open(photo).convert("RGB")), np.array(Image.open(mask).convert("L"))


def write(result, output):
    if result.inference is None:
        return "failed"
    content = io.BytesIO()
    Image.fromarray(result.inference).save(content, "png")
    with FileSystems.create(FileSystems.join(output, f"{result.example}.png")) as file:
        file.write(content.getvalue())
    return "filled"


def main():
    parser = argparse.ArgumentParser()
    for name in ("photos", "masks", "output"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--preset")
    options, others = parser.parse_known_args()
    if not FileSystems.exists(options.output):
        FileSystems.mkdirs(options.output)
    matched = [file.path for match in FileSystems.match([options.photos]) for file in match.metadata_list]
    with beam.Pipeline(options=PipelineOptions(others, save_main_session=True)) as pipeline:
        _ = (
            pipeline
            | beam.Create(matched)
            | beam.Reshuffle()
            | beam.Map(read, options.masks)
            | RunInference(Inpaint(options.preset))
            | beam.Map(write, options.output)
            | beam.combiners.Count.PerElement()
            | beam.Map(print)
        )


if __name__ == "__main__":
    main()
