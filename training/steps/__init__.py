"""How one step gets its gradients: embeddings, loss, and back into the towers."""

from training.steps.cached import CachedEncode
from training.steps.contract import Encode, Encoded
from training.steps.direct import DirectEncode
from training.steps.step import Step

__all__ = ["CachedEncode", "DirectEncode", "Encode", "Encoded", "Step"]
