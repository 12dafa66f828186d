import pytest
from pydantic import ValidationError

from training.synthetic_queries.prompts import PromptConfig, queries_in, questions
from training.synthetic_queries.texts import ItemTexts

PROMPTS = [PromptConfig(name=name, template=f"{name} {{count}}: {{text}}") for name in ("a", "b", "c")]
HASHES = ["1", "2", "3"]


def _ask(texts: ItemTexts, requests: int = 3) -> list[tuple[str, str, str]]:
    asked = questions(texts, PROMPTS, HASHES, requests=requests, count=2, max_chars=12)
    return [(q.item_id, q.prompt, q.task) for q in asked]


def test_prompts_are_cycled_and_items_begin_with_different_ones() -> None:
    asked = _ask(ItemTexts([str(n) for n in range(30)], [""] * 30, ["text"] * 30, 0))
    for item in range(30):
        assert sorted(prompt for found, prompt, _ in asked if found == str(item)) == [
            "a 2: text",
            "b 2: text",
            "c 2: text",
        ]
    assert {asked[3 * item][1][0] for item in range(30)} == {"a", "b", "c"}
    assert len({task for _, _, task in asked}) == 90


def test_a_task_depends_on_its_item_alone_and_a_repeated_prompt_is_another_task() -> None:
    both = _ask(ItemTexts(["x", "y"], ["", ""], ["one", "two"], 0), requests=4)
    assert _ask(ItemTexts(["y"], [""], ["two"], 0), requests=4) == both[4:]
    assert both[0][1] == both[3][1] and both[0][2] != both[3][2]
    assert _ask(ItemTexts(["y"], [""], ["other"], 0))[0][2] != both[4][2]


def test_braces_in_a_text_stay_and_long_texts_are_cut() -> None:
    assert _ask(ItemTexts(["x"], [""], ["{count} {text} and on"], 0), requests=1)[0][1].endswith(": {count} {tex")


def test_a_template_without_the_text_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"must hold \{text\}"):
        PromptConfig(name="a", template="ask something")


def test_bullets_numbers_and_quotes_are_no_part_of_a_query() -> None:
    answer = '1. "red lamp"\n\n2) blue lamp\n- 3.5 inch disk\n• “lampe”\n  * 4K screen  \nlast'
    assert queries_in(answer, 5, 99) == (["red lamp", "blue lamp", "3.5 inch disk", "lampe", "4K screen"], 0)
    assert queries_in("ok\n" + "x" * 11 + "\nmore", 2, 10) == (["ok"], 1)
    assert queries_in(" \n\t", 3, 10) == ([], 0)


@pytest.mark.parametrize(
    ("answer", "cut", "found"),
    [
        ("red lamp\nlamp of", True, ["red lamp"]),
        ("red lamp\nlamp of\n", True, ["red lamp", "lamp of"]),
        ("red la", True, []),
        ("<think>what would\nthey say</think>\nred lamp", False, ["red lamp"]),
        ("\n<think>what would\nthey", True, []),
        ("what would\nthey say\n</think>\nred lamp", False, ["red lamp"]),
    ],
)
def test_thoughts_and_an_unfinished_line_are_no_queries(answer: str, cut: bool, found: list[str]) -> None:
    assert queries_in(answer, 3, 99, cut=cut) == (found, 0)
