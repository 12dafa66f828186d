from pathlib import Path

import pytest
from pydantic import ValidationError

from bundle.errors import ConfigError, InvalidTable
from tests.training.synthetic_queries.speaker import KEY, Reply, completion, speaking, three_lines
from tests.training.synthetic_queries.world import TEXTS, TITLES, small_texts
from training.errors import JournalMismatch
from training.synthetic_queries.pairs import normalise
from training.synthetic_queries.sources import EndpointSource, ExtractSource, FileSource, Surroundings
from training.synthetic_queries.texts import ItemTexts


def _around(folder: Path, **changes: object) -> Surroundings:
    return Surroundings(folder, folder / "answers.jsonl", **changes)  # type: ignore[arg-type]


# extract


def test_extract_takes_every_kind_and_what_stands_in_the_item(tmp_path: Path) -> None:
    made = ExtractSource(per_item=4).make(small_texts(), _around(tmp_path)).pairs
    for row, title in enumerate(TITLES):
        own = [pair for pair in made if pair.item_id == f"i{row}"]
        assert len(own) == 4
        assert {pair.prompt_kind for pair in own} == {"title", "sentence", "key_phrase"}
        assert len({normalise(pair.query_text) for pair in own}) == 4
        said = normalise(f"{title} {TEXTS[row]}")
        assert all(word in said for pair in own for word in normalise(pair.query_text).split())
    assert {pair.generator for pair in made} == {"extract"}
    assert len({pair.prompt_hash for pair in made}) == 1


def test_extract_repeats_itself_and_a_seed_changes_it(tmp_path: Path) -> None:
    texts, around = small_texts(), _around(tmp_path)
    first = ExtractSource(seed=1).make(texts, around).pairs
    assert ExtractSource(seed=1).make(texts, around).pairs == first
    other = ExtractSource(seed=2).make(texts, around).pairs
    assert [pair.query_text for pair in other] != [pair.query_text for pair in first]
    assert other[0].prompt_hash != first[0].prompt_hash


def test_extract_of_an_item_does_not_depend_on_the_others(tmp_path: Path) -> None:
    texts = small_texts()
    fewer = ItemTexts(texts.item_ids[2:4], texts.titles[2:4], texts.texts[2:4], 0)
    source = ExtractSource(kinds=("sentence", "title"), per_item=2)
    whole = source.make(texts, _around(tmp_path)).pairs
    assert source.make(fewer, _around(tmp_path)).pairs == [p for p in whole if p.item_id in ("i2", "i3")]


def test_extract_gives_fewer_where_there_are_no_more(tmp_path: Path) -> None:
    made = ExtractSource(per_item=9).make(ItemTexts(["a"], ["Lamp"], ["lamp"], 0), _around(tmp_path)).pairs
    assert [pair.query_text.casefold() for pair in made] == ["lamp"]


def test_extract_refuses_settings_that_make_no_sense() -> None:
    with pytest.raises(ValidationError, match="kinds repeat"):
        ExtractSource(kinds=("title", "title"))
    with pytest.raises(ValidationError, match="max_words 2 is below min_words 3"):
        ExtractSource(max_words=2)


# file


def test_file_reads_renamed_columns_and_keeps_what_it_says(tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_text("doc,q,score\ni1,induction,0.5\ni0,1984,0.25\n")
    source = FileSource(path=Path("pairs.csv"), item_column="doc", text_column="q")
    made = source.make(small_texts(), _around(tmp_path)).pairs
    assert [(p.item_id, p.query_text, p.score, p.prompt_kind) for p in made] == [
        ("i1", "induction", 0.5, "file"),
        ("i0", "1984", 0.25, "file"),
    ]


def test_file_names_an_unknown_item_or_counts_it(tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_text("item_id,query_text\ni1,pan\ni77,lamp\n")
    with pytest.raises(InvalidTable, match="row 2, column 'item_id': 'i77'"):
        FileSource(path=Path("pairs.csv")).make(small_texts(), _around(tmp_path))
    made = FileSource(path=Path("pairs.csv"), drop_unknown=True).make(small_texts(), _around(tmp_path))
    assert ([p.item_id for p in made.pairs], made.counts) == (["i1"], {"dropped_unknown_item": 1})
    (tmp_path / "both.csv").write_text("item_id,doc,query_text\ni1,i1,pan\n")
    with pytest.raises(ConfigError, match="rename one"):
        FileSource(path=Path("both.csv"), item_column="doc").make(small_texts(), _around(tmp_path))


# endpoint


def test_endpoint_asks_for_every_item_with_varied_prompts(tmp_path: Path) -> None:
    with speaking() as speaker:
        source = EndpointSource(
            url=speaker.url, model="m", key_variable="K", requests_per_item=2, price_per_1k_input=0.5
        )
        around = _around(tmp_path, environment={"K": KEY})
        made = source.make(small_texts(), around)
    assert speaker.keys == [f"Bearer {KEY}"] * 12
    assert len(set(speaker.prompts)) == 12
    assert {(body["model"], body["temperature"], body["max_tokens"]) for body in speaker.bodies} == {("m", 1.0, 256)}
    assert len(made.pairs) == 36
    kinds = {item: {p.prompt_kind for p in made.pairs if p.item_id == item} for item in small_texts().item_ids}
    assert all(len(found) == 2 for found in kinds.values())
    assert set.union(*kinds.values()) == {"keywords", "question", "need"}
    assert made.pairs[0].query_text.startswith("where to buy A bright red")
    assert {(p.generator, len(p.prompt_hash)) for p in made.pairs} == {("m", 64)}
    assert len({(p.prompt_kind, p.prompt_hash) for p in made.pairs}) == 3
    counts = made.counts
    assert (counts["answers"], counts["tokens_in"], counts["cost"]) == (12, 1200, 0.6)
    assert KEY not in (tmp_path / "answers.jsonl").read_text() + repr(around) + repr(made)


def test_endpoint_asks_again_for_nothing_and_only_for_what_changed(tmp_path: Path) -> None:
    texts = small_texts()
    with speaking() as speaker:
        source = EndpointSource(url=speaker.url, model="m")
        first = source.make(texts, _around(tmp_path))
        with pytest.raises(JournalMismatch, match="holds 6 answers of an earlier run; go on with --resume"):
            source.make(texts, _around(tmp_path))
        again = source.make(texts, _around(tmp_path, resume=True))
        assert (again.pairs, len(speaker.prompts)) == (first.pairs, 6)
        texts.texts[2] = "A plain bench of oak."
        changed = source.make(texts, _around(tmp_path, resume=True))
        assert (len(speaker.prompts), changed.counts["answers_kept"]) == (7, 5)
        assert any("plain bench" in pair.query_text for pair in changed.pairs)
        warmer = source.model_copy(update={"temperature": 0.2})
        with pytest.raises(JournalMismatch, match="other prompts, another model or other sampling settings"):
            warmer.make(texts, _around(tmp_path, resume=True))
        assert len(speaker.prompts) == 7


def test_endpoint_passes_over_what_is_refused_and_asks_for_it_anew_later(tmp_path: Path) -> None:
    texts = small_texts()
    with speaking(lambda p: Reply(400, b"content filter") if "scarf" in p else three_lines(p)) as speaker:
        source = EndpointSource(url=speaker.url, model="m")
        made = source.make(texts, _around(tmp_path))
        assert made.counts["refused"] == 1
        assert {p.item_id for p in made.pairs} == {"i0", "i1", "i2", "i3", "i5"}
        speaker.answer = three_lines
        made = source.make(texts, _around(tmp_path, resume=True))
        assert (made.counts["refused"], made.counts["answers"], len(speaker.prompts)) == (0, 1, 7)


def test_endpoint_leaves_out_what_was_cut_short_and_what_was_thought(tmp_path: Path) -> None:
    def answer(prompt: str) -> Reply:
        if "scarf" in prompt:
            return completion("warm wool scarf\nscarf for the wint", finish="length")
        return completion("<think>\nA buyer may say this.\n</think>\n\nsomething cheap\nsomething good")

    texts = small_texts()
    with speaking(answer) as speaker:
        source = EndpointSource(url=speaker.url, model="m")
        made = source.make(texts, _around(tmp_path))
        assert [p.query_text for p in made.pairs if p.item_id == "i4"] == ["warm wool scarf"]
        assert {p.query_text for p in made.pairs if p.item_id != "i4"} == {"something cheap", "something good"}
        assert (made.counts["cut"], made.counts["empty_answers"]) == (1, 0)
        again = source.make(texts, _around(tmp_path, resume=True))  # the journal knows it too
        assert (again.pairs, again.counts["cut"]) == (made.pairs, 1)


def test_the_hash_of_a_prompt_knows_what_decides_an_answer() -> None:
    source = EndpointSource(url="http://h/v1", model="m")
    base = source.prompt_hashes()
    assert len(set(base)) == 3
    for change in ({"model": "n"}, {"temperature": 0.5}, {"max_tokens": 9}, {"queries_per_request": 2}, {"top_p": 0.5}):
        assert not set(base) & set(source.model_copy(update=change).prompt_hashes()), change
    for change in ({"concurrency": 9}, {"url": "http://other/v1"}, {"budget": 3.0}, {"key_variable": "K"}):
        assert base == source.model_copy(update=change).prompt_hashes(), change


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"budget": 1.0}, "a budget needs prices"),
        ({"prompts": [{"name": "a", "template": "{text}"}] * 2}, "the names of prompts repeat: a, a"),
        ({"url": "host/v1"}, "write the base"),
        ({"url": "https://me:secret@host/v1"}, "no user, password or query"),
        ({"url": "https://host/v1?key=secret"}, "no user, password or query"),
    ],
)
def test_endpoint_refuses_settings_that_make_no_sense(settings: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        EndpointSource.model_validate({"url": "http://host/v1", "model": "m", **settings})
