"""A tiny pretrained model written to a folder: random BERT weights and a WordPiece tokenizer of a hundred pieces."""

import json
import string
from pathlib import Path

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

WIDTH = 32
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
WORDS = (
    "red blue steel garden paper lamp pan chair bag kitchen table cup soft hard old new big small tree river".split()
)
PIECES = [*SPECIALS, *WORDS, *string.ascii_lowercase, *(f"##{letter}" for letter in string.ascii_lowercase)]


def tokenizer_json() -> bytes:
    """A tokenizer with limits and padding of its own, as files from a hub often have."""
    vocabulary = {piece: number for number, piece in enumerate(PIECES)}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = BertNormalizer()
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    tokenizer.enable_truncation(7)
    tokenizer.enable_padding(length=7)
    return tokenizer.to_str().encode()


def write_tiny_model(folder: Path, *, seed: int = 0) -> Path:
    """Write the model's three files and return the folder."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers", reason="the text extra is not installed")
    settings = transformers.BertConfig(
        vocab_size=len(PIECES),
        hidden_size=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=40,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = transformers.BertModel(settings)
        for weight in model.parameters():  # the usual start is too near to zero for texts to differ
            weight.data += 0.1 * torch.randn_like(weight)
    bars = transformers.utils.logging.is_progress_bar_enabled()
    transformers.utils.logging.disable_progress_bar()
    model.save_pretrained(folder)
    if bars:
        transformers.utils.logging.enable_progress_bar()
    (folder / "tokenizer.json").write_bytes(tokenizer_json())
    json.loads((folder / "config.json").read_text())
    return folder
