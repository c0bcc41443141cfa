"""The network of the bert example, and how a sentence becomes its input. Used by train.py and handler.py alike.

A sentence becomes tokens (words and punctuation). A token is the mean of the embeddings of its word and of its
character n-grams, so an unseen word still resembles the seen words it shares letters with. Two transformer encoder layers
let the tokens look at each other; their mean decides between five classes: 0 (one star) to 4 (five stars).
"""

import re
import zlib

import torch
from torch import nn

CLASSES = 5
WIDTH = 64
BUCKETS = 4096  # of the embedding table: words and n-grams share it by hash; 0 is padding
MAX_TOKENS = 64
MAX_PIECES = 24  # of one token
TOKEN = re.compile(r"[^\W_]+|[^\w\s]")


def pieces(token: str) -> list[int]:
    """The rows of the embedding table that make up one token: itself and its character n-grams of length 3 to 5."""
    marked = f"<{token}>"
    grams = [marked[start : start + size] for size in (3, 4, 5) for start in range(len(marked) - size + 1)]
    # crc32, because Python's own hash of a string differs from process to process
    return [zlib.crc32(text.encode()) % (BUCKETS - 1) + 1 for text in [token, *grams][:MAX_PIECES]]


def encode(sentences: list[str]) -> torch.Tensor:
    """The sentences as one tensor of table rows, shape (sentences, tokens, pieces), padded with 0."""
    tokens = [TOKEN.findall(sentence.lower())[:MAX_TOKENS] or ["?"] for sentence in sentences]
    rows = torch.zeros(len(tokens), max(map(len, tokens)), MAX_PIECES, dtype=torch.long)
    for row, words in enumerate(tokens):
        for column, word in enumerate(words):
            found = pieces(word)
            rows[row, column, : len(found)] = torch.tensor(found)
    return rows


class ReviewClassifier(nn.Module):
    """Embedding, two transformer encoder layers, mean over the tokens, five classes."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(BUCKETS, WIDTH, padding_idx=0)
        self.position = nn.Embedding(MAX_TOKENS, WIDTH)
        layer = nn.TransformerEncoderLayer(WIDTH, nhead=4, dim_feedforward=128, dropout=0.3, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, num_layers=2, enable_nested_tensor=False)
        self.dropout = nn.Dropout(0.3)
        self.output = nn.Linear(WIDTH, CLASSES)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Scores of shape (sentences, classes) for what `encode` returns."""
        present = rows.ne(0)
        absent_token = ~present.any(dim=2)
        tokens = self.embedding(rows).sum(dim=2) / present.sum(dim=2, keepdim=True).clamp(min=1)
        tokens = self.dropout(tokens + 0.1 * self.position.weight[: rows.shape[1]])
        tokens = self.encoder(tokens, src_key_padding_mask=absent_token).masked_fill(absent_token.unsqueeze(2), 0.0)
        return self.output(self.dropout(tokens.sum(dim=1) / (~absent_token).sum(dim=1, keepdim=True)))


def predict(network: ReviewClassifier, sentences: list[str]) -> list[int]:
    """The class of each sentence, 0 to 4. The network must be in evaluation mode."""
    with torch.no_grad():
        return network(encode(sentences)).argmax(dim=1).tolist()
