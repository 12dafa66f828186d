from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

from benchmarks.serving_parts.minilm_collection import texts_of_tokens


def test_texts_have_exactly_the_tokens_that_were_asked_for() -> None:
    words = ["[UNK]", "[CLS]", "[SEP]", "house", "tree", "##ing", "an", "river", "ß1"]
    tokenizer = Tokenizer(WordPiece({word: place for place, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)])
    texts = texts_of_tokens(tokenizer, 20, 9)
    assert {len(tokenizer.encode(text).ids) for text in texts} == {9}
    assert {word for text in texts for word in text.split()} == {"house", "tree", "river"}
