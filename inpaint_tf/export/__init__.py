"""Out of Python: the generator as a SavedModel, a LiteRT file and an ONNX file. `exporter.export_preset` does it all."""
