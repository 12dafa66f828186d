import pytest

from bundle.features import NumberFeature, TextFeature, TokensFeature
from service.call import Call
from service.errors import InvalidRequest, NotReady
from service.routes.compat.text_models import default_model, text_feature_of
from service.serving import Serving
from service.settings import Settings

TITLE, BODY, PRICE = TextFeature(name="title"), TokensFeature(name="body"), NumberFeature(name="price")


def test_the_default_model_waits_until_all_collections_are_known() -> None:
    call = Call([], "/embed")
    with pytest.raises(NotReady):
        default_model(Serving(Settings()), call)
    chosen = Settings.model_validate({"compat": {"default_model": "a/item"}})
    assert default_model(Serving(chosen), call) == "a/item"


def test_the_only_text_feature_takes_the_text() -> None:
    assert text_feature_of("shop/item", [PRICE, BODY], None) is BODY


def test_of_several_the_settings_choose() -> None:
    assert text_feature_of("shop/item", [TITLE, BODY], "title") is TITLE
    with pytest.raises(InvalidRequest, match="title, body.*does not say which"):
        text_feature_of("shop/item", [TITLE, BODY], None)


def test_a_wrong_choice_is_never_passed_over() -> None:
    with pytest.raises(InvalidRequest, match="names 'price'"):
        text_feature_of("shop/item", [TITLE, PRICE], "price")


def test_a_tower_without_text_says_what_it_reads() -> None:
    with pytest.raises(InvalidRequest, match="takes no text: it reads price"):
        text_feature_of("shop", [PRICE], None)
