"""TorchServe handler of the digits example: images as base64 text in, digits out.

With the `kserve` envelope TorchServe hands over the list under "instances", so each row is {"data": "<base64 PNG>"}.
"""

import base64
import binascii
from pathlib import Path

import digit_model
import torch
from PIL import Image, UnidentifiedImageError
from ts.utils.util import PredictionException

# what base64 and Pillow raise for what is not an image, or is one of absurd size
UNREADABLE = (binascii.Error, UnidentifiedImageError, Image.DecompressionBombError, ValueError, OSError, SyntaxError)


class DigitHandler:
    """One worker's model. `initialize` runs once, `handle` for each request."""

    def initialize(self, context) -> None:
        """Loads the weights that the model archive carries."""
        torch.set_num_threads(1)  # an 8x8 image is too little work to share between threads
        folder = Path(context.system_properties["model_dir"])
        self.network = digit_model.DigitClassifier()
        self.network.load_state_dict(torch.load(folder / context.manifest["model"]["serializedFile"], map_location="cpu"))
        self.network.eval()

    def handle(self, data, context) -> list[int]:
        """The digit on each row's image. Raises PredictionException (the client sees 400 and its sentence) if there is none."""
        images = [image_of(row, place) for place, row in enumerate(rows_of(data))]
        context.set_response_content_type(0, "application/json")
        return digit_model.predict(self.network, images)


def rows_of(data) -> list:
    """The request's rows, of which there must be one at least."""
    if not isinstance(data, list) or not data:
        raise PredictionException('The request has no instances: send {"instances": [{"data": "<base64 PNG>"}]}.', 400)
    return data


def image_of(row, place: int) -> torch.Tensor:
    """The image under "data" ("body" where TorchServe is called without an envelope): base64 text, or bytes as they are."""
    content = (row.get("data") or row.get("body")) if isinstance(row, dict) else None
    try:
        if isinstance(content, str):
            content = base64.b64decode(content, validate=True)
        if not isinstance(content, (bytes, bytearray)):
            raise ValueError("no image")
        return digit_model.to_input(bytes(content))
    except UNREADABLE as error:
        message = f'Instance {place} has no readable image: send it as {{"data": "<base64 PNG>"}}.'
        raise PredictionException(message, 400) from error
