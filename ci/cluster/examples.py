"""The example models: each is trained inside the runtime image and comes out as a model archive (.mar).

The training of `digits` needs one file of scikit-learn's wheel, which is taken from PyPI here: containers of ours reach no
registry, and scikit-learn with SciPy would make the image a third larger.
"""

import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

from ci.cluster import shell, store
from ci.cluster.errors import Problem
from ci.cluster.paths import EXAMPLES, cache
from ci.cluster.report import say
from ci.cluster.versions import versions

ARCHIVES = {"bert": "bert-model.mar", "digits": "digits.mar"}
DIGITS = "sklearn/datasets/data/digits.csv.gz"

Run = Callable[[list[str]], None]


def archive(example: str, image: str) -> Path:
    """The model archive of an example, trained in the runtime image unless it was before."""
    def make(work: Path) -> None:
        work.chmod(0o777)  # the container's user writes it
        say(f"training the example {example} in {image} …")
        train(image, example, work, lambda command: shell.run(command, cache() / "logs" / f"train-{example}.log"))

    found = store.built("examples", f"{example}-{store.key(*inputs(example), image)}", make) / ARCHIVES[example]
    say(f"the example {example} is {found}")
    return found


def inputs(example: str) -> list:
    """Everything but the image that an example's archive is made from, to name a built one by its hash."""
    sources = sorted(path for path in (EXAMPLES / example).iterdir() if path.name not in ("README.md", "__pycache__"))
    return [*sources, versions()["torchserve"]["scikit-learn"], Path(__file__)]


def train(image: str, example: str, out: Path, run: Run) -> Path:
    """Trains one example in a container without a network; returns its archive in `out`.

    Args:
        image: the runtime image: ours, or any with torch, numpy, Pillow and torch-model-archiver.
        example: `bert` or `digits`; the latter also writes heldout.json.
        out: an existing folder.
        run: runs one command to its end and raises when it fails. Training takes 10 s on a quiet core, and ends with an
            error when the model does not reach its accuracy on held-out data.
    """
    mounts, arguments = [f"{EXAMPLES / example}:/src:ro", f"{out}:/out"], ["--out", "/out"]
    if example == "digits":
        digits_data(out, run)
        arguments += ["--data", "/out/digits.csv.gz"]
    run([
        "docker", "run", "--rm", "--network", "none", "--cap-drop", "ALL", "--user", f"{os.getuid()}:{os.getgid()}",
        "--entrypoint", "python",  # upstream's own never ends
        *(f"--volume={mount}" for mount in mounts), image, "/src/train.py", *arguments,
    ])  # fmt: skip
    return out / ARCHIVES[example]


def digits_data(folder: Path, run: Run) -> Path:
    """Takes scikit-learn's digits (57 KB) out of its pinned wheel; returns the file. Raises Problem if it is not in there."""
    version = versions()["torchserve"]["scikit-learn"]
    # one fixed platform: the file is the same in each wheel, and only this file is used
    run([
        sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--python-version", "3.11",
        "--platform", "manylinux2014_x86_64", "--dest", str(folder), f"scikit-learn=={version}",
    ])  # fmt: skip
    target = folder / "digits.csv.gz"
    for wheel in folder.glob("scikit_learn-*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            if DIGITS in archive.namelist():
                target.write_bytes(archive.read(DIGITS))
        wheel.unlink()
    if not target.exists():
        raise Problem(f"scikit-learn {version} has no {DIGITS}: pin another version in ci/versions.yaml.")
    return target
