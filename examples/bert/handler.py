"""TorchServe handler of the bert example: sentences in, star classes (0 to 4) out.

With the `kserve` envelope TorchServe hands over the list under "instances", so each row is {"data": "a sentence"}.
"""

from pathlib import Path

import text_model
import torch
from ts.utils.util import PredictionException


class ReviewHandler:
    """One worker's model. `initialize` runs once, `handle` for each request."""

    def initialize(self, context) -> None:
        """Loads the weights that the model archive carries."""
        torch.set_num_threads(1)  # a sentence is too little work to share between threads
        folder = Path(context.system_properties["model_dir"])
        self.network = text_model.ReviewClassifier()
        self.network.load_state_dict(torch.load(folder / context.manifest["model"]["serializedFile"], map_location="cpu"))
        self.network.eval()

    def handle(self, data, context) -> list[int]:
        """The class of each row. Raises PredictionException (the client sees 400 and the sentence) for a wrong request."""
        sentences = [sentence_of(row, place) for place, row in enumerate(rows_of(data))]
        context.set_response_content_type(0, "application/json")
        return text_model.predict(self.network, sentences)


def rows_of(data) -> list:
    """The request's rows, of which there must be one at least."""
    if not isinstance(data, list) or not data:
        raise PredictionException('The request has no instances: send {"instances": [{"data": "a sentence"}]}.', 400)
    return data


def sentence_of(row, place: int) -> str:
    """The text under "data" ("body" where TorchServe is called without an envelope)."""
    text = (row.get("data") or row.get("body")) if isinstance(row, dict) else None
    if isinstance(text, (bytes, bytearray)):
        text = text.decode("utf-8", errors="replace")
    if not isinstance(text, str) or not text.strip():
        raise PredictionException(f'Instance {place} has no text: send it as {{"data": "a sentence"}}.', 400)
    return text
