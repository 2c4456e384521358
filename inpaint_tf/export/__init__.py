"""Out of Python: the generator as SavedModel, LiteRT and ONNX files. `exporter.export_preset` does it all."""
