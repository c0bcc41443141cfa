"""Trains the digits example and packs it as digits.mar. Run inside the runtime image, without a network:

    python train.py --data digits.csv.gz --out FOLDER

`digits.csv.gz` is the file of that name in scikit-learn's wheel: 1,797 scans of handwritten digits, 64 brightness values
from 0 to 16 and the digit in each line (UCI ML repository, "Optical Recognition of Handwritten Digits", 1998).
A fifth of it is held out. Prints the accuracy, writes digits.mar and heldout.json (100 held-out scans as
[{"data": base64 PNG, "label": digit}, ...]). Exit code 1, and no .mar, below 95 % on the held-out part.
"""

import argparse
import base64
import io
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy
import torch
from digit_model import SIDE, DigitClassifier, predict, to_input
from PIL import Image
from torch import nn

HERE = Path(__file__).resolve().parent
EPOCHS = 30
BATCH = 64
SEED = 1
HELD_OUT_EVERY = 5  # each fifth line is held out
LEAST_ACCURACY = 0.95
SAMPLES = 100


def png_of(pixels: numpy.ndarray) -> bytes:
    """A scan (64 values, 0 to 16) as a grey 8x8 PNG."""
    grey = numpy.rint(pixels.reshape(SIDE, SIDE) * (255 / 16)).astype(numpy.uint8)
    stream = io.BytesIO()
    Image.fromarray(grey).save(stream, format="PNG")
    return stream.getvalue()


def read(data: Path) -> tuple[list[bytes], list[int]]:
    """Every scan as PNG, and its digit. The network learns from what a client would send."""
    table = numpy.loadtxt(data, delimiter=",")
    return [png_of(row[:-1]) for row in table], [int(row[-1]) for row in table]


def train(images: list[torch.Tensor], digits: list[int]) -> DigitClassifier:
    """A network that has learned from the labelled images."""
    network = DigitClassifier()
    inputs, wanted = torch.stack(images), torch.tensor(digits)
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=4e-3, total_steps=EPOCHS * -(-len(images) // BATCH))
    loss_of = nn.CrossEntropyLoss()
    network.train()
    for _ in range(EPOCHS):
        for chosen in torch.randperm(len(images)).split(BATCH):
            optimizer.zero_grad()
            loss_of(network(inputs[chosen]), wanted[chosen]).backward()
            optimizer.step()
            schedule.step()
    return network.eval()


def pack(network: DigitClassifier, out: Path) -> Path:
    """Writes digits.mar to `out` with torch-model-archiver; returns its path."""
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "weights.pt"
        torch.save(network.state_dict(), weights)
        subprocess.run(
            ["torch-model-archiver", "--model-name", "digits", "--version", "1.0", "--force",
             "--model-file", HERE / "digit_model.py", "--serialized-file", weights, "--handler", HERE / "handler.py",
             "--export-path", out],
            check=True,
        )  # fmt: skip
    return out / "digits.mar"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="digits.csv.gz out of scikit-learn's wheel")
    parser.add_argument("--out", type=Path, required=True, help="an existing folder for digits.mar and heldout.json")
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    started = time.monotonic()
    # one thread, one seed, no algorithm whose result depends on the order of execution: the same file gives the same model
    torch.set_num_threads(1)
    torch.manual_seed(arguments.seed)
    torch.use_deterministic_algorithms(True)

    scans, digits = read(arguments.data)
    images = [to_input(scan) for scan in scans]
    learned = [place for place in range(len(scans)) if place % HELD_OUT_EVERY]
    unseen = range(0, len(scans), HELD_OUT_EVERY)
    network = train([images[place] for place in learned], [digits[place] for place in learned])
    seconds = time.monotonic() - started
    print(f"digits: learned from {len(learned)} scans in {seconds:.0f} s")
    answers = predict(network, [images[place] for place in unseen])
    right = sum(answer == digits[place] for answer, place in zip(answers, unseen))
    print(f"digits: {right} of {len(unseen)} held-out scans right ({100 * right / len(unseen):.1f} %)")
    if right < LEAST_ACCURACY * len(unseen):
        print(f"digits: no model written, because that is less than {LEAST_ACCURACY:.0%}", file=sys.stderr)
        return 1
    samples = [{"data": base64.b64encode(scans[place]).decode(), "label": digits[place]} for place in unseen[:SAMPLES]]
    (arguments.out / "heldout.json").write_text(json.dumps(samples, indent=1) + "\n")
    print(f"digits: wrote {pack(network, arguments.out)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
