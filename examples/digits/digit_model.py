"""The network of the digits example, and how an image becomes its input. Used by train.py and handler.py alike."""

import io

import numpy
import torch
from PIL import Image
from torch import nn

CLASSES = 10
SIDE = 8  # pixels; the size of the scans that the network has learned from


def to_input(png: bytes) -> torch.Tensor:
    """A bright digit on black, of any size and colour depth, as a tensor (1, 8, 8) of values 0 to 1.

    Raises PIL.UnidentifiedImageError, OSError or SyntaxError when `png` is not an image.
    """
    image = Image.open(io.BytesIO(png)).convert("L")
    if image.size != (SIDE, SIDE):
        image = image.resize((SIDE, SIDE), Image.Resampling.BOX)
    return torch.from_numpy(numpy.asarray(image, dtype=numpy.float32) / 255).unsqueeze(0)


class DigitClassifier(nn.Module):
    """Two convolutions, one pooling, two dense layers, ten classes."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(),
            nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Dropout(0.3),
            nn.Linear(64 * 4 * 4, 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, CLASSES),
        )  # fmt: skip

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Scores of shape (images, classes) for a tensor of shape (images, 1, 8, 8)."""
        return self.layers(images)


def predict(network: DigitClassifier, images: list[torch.Tensor]) -> list[int]:
    """The digit on each image. The network must be in evaluation mode."""
    with torch.no_grad():
        return network(torch.stack(images)).argmax(dim=1).tolist()
