"""Trains the bert example and packs it as bert-model.mar. Run inside the runtime image, without a network:

    python train.py --out FOLDER

Reads reviews.csv and held-out.csv beside it; prints the accuracy on both; takes well under a minute on one core.
The same files give the same model. Exit code 1, and no .mar, when a held-out sentence is classified wrongly.
"""

import argparse
import csv
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from text_model import ReviewClassifier, encode, predict
from torch import nn

HERE = Path(__file__).resolve().parent
EPOCHS = 60
BATCH = 25
HIDDEN = 0.3  # part of the tokens that training does not show, so that no sentence is learned by heart
SEED = 1


def read(name: str) -> tuple[list[str], list[int]]:
    """Sentences and classes (stars - 1) of a labelled file."""
    with (HERE / name).open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return [row["text"] for row in rows], [int(row["stars"]) - 1 for row in rows]


def make_repeatable(seed: int) -> None:
    """One thread, one seed, no algorithm whose result depends on the order of execution."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)


def train(sentences: list[str], classes: list[int]) -> ReviewClassifier:
    """A network that has learned from the labelled sentences."""
    network = ReviewClassifier()
    rows, wanted = encode(sentences), torch.tensor(classes)
    steps = EPOCHS * -(-len(sentences) // BATCH)
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=2e-3, total_steps=steps)
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.1)
    network.train()
    for _ in range(EPOCHS):
        for chosen in torch.randperm(len(sentences)).split(BATCH):
            shown = torch.rand(len(chosen), rows.shape[1]) > HIDDEN
            shown[:, 0] = True  # a sentence keeps one token at least
            batch = rows[chosen] * shown.unsqueeze(2)
            optimizer.zero_grad()
            loss_of(network(batch), wanted[chosen]).backward()
            optimizer.step()
            schedule.step()
    return network.eval()


def pack(network: ReviewClassifier, out: Path) -> Path:
    """Writes bert-model.mar to `out` with torch-model-archiver; returns its path."""
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "weights.pt"
        torch.save(network.state_dict(), weights)
        subprocess.run(
            ["torch-model-archiver", "--model-name", "bert-model", "--version", "1.0", "--force",
             "--model-file", HERE / "text_model.py", "--serialized-file", weights, "--handler", HERE / "handler.py",
             "--export-path", out],
            check=True,
        )  # fmt: skip
    return out / "bert-model.mar"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="an existing folder for bert-model.mar")
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    started = time.monotonic()
    make_repeatable(arguments.seed)
    sentences, classes = read("reviews.csv")
    network = train(sentences, classes)
    seconds = time.monotonic() - started
    answers = predict(network, sentences)
    right = sum(answer == wanted for answer, wanted in zip(answers, classes))
    print(f"bert: {right} of {len(classes)} training sentences right, trained in {seconds:.0f} s")
    unseen, expected = read("held-out.csv")
    answers = predict(network, unseen)
    wrong = [f"{text!r}: {answer}, not {wanted}" for text, answer, wanted in zip(unseen, answers, expected) if answer != wanted]
    print(f"bert: {len(unseen) - len(wrong)} of {len(unseen)} held-out sentences right")
    if wrong:
        print("bert: no model written, because these held-out sentences came out wrong: " + "; ".join(wrong), file=sys.stderr)
        return 1
    print(f"bert: wrote {pack(network, arguments.out)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
