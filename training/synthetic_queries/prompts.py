"""What an endpoint is asked for each item, and what of its answer is a query."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import Field, field_validator

from bundle.config import Config
from training.synthetic_queries.texts import ItemTexts

_ORDER = "Write {count} different ones, each on a line of its own, with no number and no other text.\n\n{text}"
_BULLET = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+")
_THINKS, _THOUGHT = "<think>", "</think>"
_QUOTES = "\"'“”‘’«»` \t"


class PromptConfig(Config):
    """One way to ask; `{text}` stands for the item's text, `{count}` for how many queries are wanted."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64, description="The `prompt_kind` of its queries.")
    template: str = Field(min_length=1, description="Text of the prompt, with {text} and, if wanted, {count}.")

    @field_validator("template")
    @classmethod
    def _has_text(cls, value: str) -> str:
        if "{text}" not in value:
            raise ValueError("the template must hold {text}, where the item's text is put")
        return value


DEFAULT_PROMPTS = (
    PromptConfig(name="keywords", template="Which short keyword searches would lead to this? " + _ORDER),
    PromptConfig(name="question", template="Which questions does this answer? " + _ORDER),
    PromptConfig(
        name="need",
        template="Which needs would make a person look for this? Use other words than the text does. " + _ORDER,
    ),
)


@dataclass(frozen=True)
class Question:
    """One request to come: `task` tells it from every other, `prompt` is what is sent."""

    task: str
    item_id: str
    prompt_kind: str
    prompt_hash: str
    prompt: str


def questions(
    items: ItemTexts,
    prompts: Sequence[PromptConfig],
    prompt_hashes: Sequence[str],
    *,
    requests: int,
    count: int,
    max_chars: int,
) -> Iterator[Question]:
    """`requests` questions an item, item by item; the prompts are cycled, and items begin with different ones.

    An item's questions depend on its id and text alone, so that a changed catalogue asks only for what is new.
    """
    for item_id, text in zip(items.item_ids, items.texts, strict=True):
        first = int.from_bytes(hashlib.sha256(item_id.encode()).digest()[:4], "little")
        for number in range(requests):
            which = (first + number) % len(prompts)
            # The text is put in last, so that braces in it stay what they are.
            prompt = prompts[which].template.replace("{count}", str(count)).replace("{text}", text[:max_chars])
            key = "\0".join((prompt_hashes[which], item_id, str(number), prompt))
            yield Question(
                hashlib.sha256(key.encode()).hexdigest()[:32],
                item_id,
                prompts[which].name,
                prompt_hashes[which],
                prompt,
            )


def queries_in(answer: str, most: int, max_chars: int, *, cut: bool = False) -> tuple[list[str], int]:
    """The first `most` lines of an answer without bullets and quotes, and how many of them were too long.

    What a model thought aloud before it is no query, nor is the unfinished last line of an answer that was `cut`.
    """
    said = _said(answer)
    if cut:
        said = said[: said.rfind("\n") + 1]
    lines = (_BULLET.sub("", line).strip(_QUOTES) for line in said.splitlines())
    found = [line for line in lines if line][:most]
    kept = [line for line in found if len(line) <= max_chars]
    return kept, len(found) - len(kept)


def _said(answer: str) -> str:
    """The answer behind its <think> block, whose first tag some endpoints leave out; nothing of one without an end."""
    _, _, rest = answer.rpartition(_THOUGHT)
    return "" if rest.lstrip().startswith(_THINKS) else rest
