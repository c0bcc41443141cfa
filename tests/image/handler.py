"""The handler of the test archive, which runs in the container: what a row says, it does. Everything else it gives back."""

import json
import os
import time

import numpy as np
import torch
from ts.utils.util import PredictionException

RESULTS = {
    "floats": [[1.5, 2.5], [3.5, 4.5]],
    "ragged": [[1], [2, 3]],
    "nan": float("nan"),
    "object": {"label": "cat"},
    "tensor": torch.tensor([[1, 2, 3]]),
    "half": np.array([0.5, 1.5], dtype=np.float16),
    "float32": np.float32(0.25),
    "bools": [True, False],
    "strings": ["a", "ä"],
    "bytes": b"\xff\x00",
    "set": {1},
}


class Handler:
    """Knows its commands by the text of a row."""

    def initialize(self, context):
        """TorchServe calls this once."""

    def handle(self, rows, context):  # noqa: ARG002  # TorchServe's signature
        """One result a row, but for the commands that speak of all rows."""
        texts = [row.get("data") if isinstance(row, dict) else row for row in rows]
        if "one for all" in texts:
            return ["one"]
        if "nothing" in texts:
            return None
        return [self.result(row, text, len(rows)) for row, text in zip(rows, texts, strict=True)]

    def result(self, row, text, rows):
        """What a row asks for."""
        command = text if isinstance(text, str) else ""
        if command == "raise":
            raise ValueError("the text\n is too long")
        if command == "refuse":
            raise PredictionException("The text is in no known language.", 422)
        if command == "memory":
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")
        if command == "die":
            os._exit(1)
        if command.startswith("sleep "):
            time.sleep(float(command.split()[1]))
        if command == "rows":
            return rows
        if command == "got":
            return json.dumps(row, sort_keys=True)
        return RESULTS.get(command, row)
