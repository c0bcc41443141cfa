"""The models: a trivial one, one that multiplies matrices, and one of half a gigabyte."""

import json
from pathlib import Path

from ci.cluster import shell
from tests.e2e import tiny

TRIVIAL_BODY = b'{"instances": [{"data": 1}]}'
# (tiny's handler is not trivial enough: it sleeps for 0 s, which is a switch to another thread and back for each request.)
TRIVIAL = '''
import time


def handle(rows, context):
    for row in rows or []:
        if "seconds" in row:
            time.sleep(row["seconds"])
    return ["word" for _ in rows or []]
'''
# 2 x 64 MiB of weights: for one row reading them is the work, for eight rows it is the same reading.
GEMM = '''
import torch

LAYERS = [torch.full((4096, 4096), 1e-4) for _ in range(2)]


def handle(rows, context):
    if rows is None:
        return None
    values = torch.tensor([[float(row.get("data") if isinstance(row, dict) else row)] for row in rows])
    values = values.expand(-1, 4096).contiguous()
    with torch.inference_mode():
        for layer in LAYERS:
            values = values @ layer
    return values[:, 0].tolist()
'''
# The trivial one takes a second over this: it is in flight when the server is asked to stop.
SLOW_BODY = b'{"instances": [{"seconds": 1}]}'
BIG = '''
import os
import torch


class Handler:
    def initialize(self, context):
        file = os.path.join(context.system_properties["model_dir"], "weights.pt")
        self.weights = torch.load(file, map_location="cpu")["weights"]
        self.sum = float(self.weights.sum())

    def handle(self, rows, context):
        return [self.sum for _ in rows]
'''
BIG_MIB = 500
MAKE_WEIGHTS = "import sys, torch; torch.save({{'weights': torch.rand({count})}}, '/out/weights.pt')"


def trivial(folder: Path) -> Path:
    return _written(folder / "trivial.mar", tiny.packed(TRIVIAL))


def gemm(folder: Path) -> Path:
    return _written(folder / "gemm.mar", tiny.packed(GEMM))


def _written(file: Path, content: bytes) -> Path:
    file.write_bytes(content)
    return file


def big(folder: Path, image: str) -> Path:
    """A model that is no archive but a folder, as `torch-model-archiver --archive-format no-archive` leaves one."""
    folder.mkdir()
    folder.chmod(0o777)
    shell.output(["docker", "run", "--rm", "--network", "none", f"--volume={folder}:/out", "--entrypoint", "python", image, "-c",
                  MAKE_WEIGHTS.format(count=BIG_MIB * 2**20 // 4)])
    (folder / "handler.py").write_text(BIG)
    (folder / "MAR-INF").mkdir()
    model = {"modelName": "big", "modelVersion": "1.0", "handler": "handler.py", "serializedFile": "weights.pt"}
    manifest = {"createdOn": "01/01/2026 00:00:00", "runtime": "python", "archiverVersion": "0.12.0", "model": model}
    (folder / "MAR-INF/MANIFEST.json").write_text(json.dumps(manifest))
    return folder
