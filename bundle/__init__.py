"""The exported model folder: the contract of training and serving."""

import os

# Otherwise ONNX Runtime keeps a device id in the home folder and sends usage data to its maker; it is read at import.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
