"""Models as other services name them: a model is a tower that reads a text.

`collection` is the query tower of a collection, as is `collection/query`; `collection/item` is its item tower.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bundle.features import Feature, TextFeature, TokensFeature
from service.call import Call
from service.errors import InvalidRequest, NotReady, UnknownModel
from service.loaded import Loaded
from service.serving import Serving
from service.slots import Slot

TowerName = Literal["query", "item"]
_TOWERS: dict[str, TowerName] = {"": "query", "query": "query", "item": "item"}


@dataclass(frozen=True)
class TextModel:
    """One tower of the version that a request is answered with, and its feature that takes the text."""

    slot: Slot
    loaded: Loaded
    tower: TowerName
    feature: TextFeature | TokensFeature

    @property
    def name(self) -> str:
        """The name that lists show."""
        return model_name(self.loaded.collection, self.tower)

    @property
    def reads_tokens(self) -> bool:
        """Whether it reads word pieces, of which the settings bound a run; else the records of a run are bounded."""
        return isinstance(self.feature, TokensFeature)

    @property
    def max_length(self) -> int:
        """Words or word pieces that are read from the start of a text; what follows is cut off."""
        return self.feature.max_tokens if isinstance(self.feature, TokensFeature) else self.feature.max_words


def model_name(collection: str, tower: TowerName) -> str:
    """The name of a tower as a model."""
    return collection if tower == "query" else f"{collection}/item"


def default_model(serving: Serving, call: Call) -> str:
    """The model of a request that names none: that of the settings, or the one collection that its key opens.

    Raises NotReady, or InvalidRequest where that leaves a choice.
    """
    if serving.settings.compat.default_model is not None:
        return serving.settings.compat.default_model
    if not serving.slots.is_scanned:  # the one collection seen so far may not stay the only one
        raise NotReady("the collections are being loaded; try again", retry_after_s=1)
    names = [slot.name for slot in serving.slots if serving.access.may_read(call, slot.name)]
    if len(names) > 1:
        raise InvalidRequest(
            f"the request names no model and {len(names)} collections are served ({', '.join(names)}); name one, or "
            "set compat.default_model",
            param="model",
        )
    return names[0] if names else ""


def text_model(serving: Serving, name: str, call: Call) -> TextModel:
    """The model to answer with; raises UnknownModel, KeyNotAllowed, NotReady, or InvalidRequest.

    InvalidRequest is what a tower gives that takes no text, or several.
    """
    collection, tower = _parts(serving, name, call)
    slot, loaded = serving.capture(collection, call)
    return TextModel(slot, loaded, tower, _text_feature(serving, loaded, tower))


def both_towers(serving: Serving, name: str, call: Call) -> tuple[TextModel, TextModel]:
    """The query and the item tower of one version, for reranking; raises as `text_model` does."""
    collection, tower = _parts(serving, name, call)
    if tower == "item":
        raise InvalidRequest(f"reranking reads both towers; name the model '{collection}'", param="model")
    slot, loaded = serving.capture(collection, call)
    query, item = (TextModel(slot, loaded, side, _text_feature(serving, loaded, side)) for side in ("query", "item"))
    return query, item


def text_models(serving: Serving, call: Call) -> list[TextModel]:
    """Every tower that takes a text in what the key of the request opens, by name."""
    models = []
    for slot in serving.slots:
        for tower in ("query", "item"):
            if slot.loaded is None or not serving.access.may_read(call, slot.name):
                continue
            try:
                feature = _text_feature(serving, slot.loaded, tower)
            except InvalidRequest:  # a tower that takes no one text is no model
                continue
            models.append(TextModel(slot, slot.loaded, tower, feature))
    return models


def _parts(serving: Serving, name: str, call: Call) -> tuple[str, TowerName]:
    collection, _, tower = name.partition("/")
    serving.access.check(call, collection)  # before anything tells whether it exists
    is_served = not serving.slots.is_scanned or collection in {slot.name for slot in serving.slots}
    if tower not in _TOWERS or not is_served:
        known = ", ".join(model.name for model in text_models(serving, call)) or "none"
        raise UnknownModel(f"there is no model '{name[:140]}'; there are: {known}", param="model")
    return collection, _TOWERS[tower]


def _text_feature(serving: Serving, loaded: Loaded, tower: TowerName) -> TextFeature | TokensFeature:
    spec = loaded.bundle.manifest.features
    name = model_name(loaded.collection, tower)
    chosen = serving.settings.compat.text_features.get(name)
    return text_feature_of(name, spec.query if tower == "query" else spec.item, chosen)


def text_feature_of(name: str, features: Sequence[Feature], chosen: str | None) -> TextFeature | TokensFeature:
    """The text feature that is `chosen`, or the only one; raises InvalidRequest that says what to set."""
    texts = {feature.name: feature for feature in features if isinstance(feature, TextFeature | TokensFeature)}
    if not texts:
        raise InvalidRequest(
            f"model '{name}' takes no text: it reads {', '.join(feature.name for feature in features)}; use the routes "
            "below /v1/collections",
            param="model",
        )
    if chosen is None and len(texts) == 1:
        chosen = next(iter(texts))
    if chosen not in texts:
        wrong = f"compat.text_features names '{chosen}'" if chosen else "compat.text_features does not say which"
        raise InvalidRequest(
            f"model '{name}' has the text features {', '.join(texts)}, and {wrong}; set it to one of these",
            param="model",
        )
    return texts[chosen]
