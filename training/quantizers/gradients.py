"""How the gradient passes a choice of codes, which has none of its own.

Axes: B embeddings, d latent.
"""

from typing import Literal

import torch
from torch import Tensor

Gradient = Literal["straight_through", "rotation"]
_LEAST = 1e-6  # a norm below this has no direction
_ANTIPODAL = 1e-4


def pass_gradient(latent_Bd: Tensor, chosen_Bd: Tensor, gradient: Gradient) -> Tensor:
    """`chosen_Bd` as value; the gradient goes to `latent_Bd` and never to the code vectors."""
    if gradient == "rotation":
        return rotated(latent_Bd, chosen_Bd)
    return latent_Bd + (chosen_Bd - latent_Bd).detach()


def rotated(latent_Bd: Tensor, chosen_Bd: Tensor) -> Tensor:
    """The rotation trick (Fifty et al., 2024): the latent is turned and scaled onto the chosen vector.

    Its gradient is turned and scaled the same way. Rows with no direction, or an opposite one, pass straight through.
    """
    chosen_Bd = chosen_Bd.detach()
    latent_B1, chosen_B1 = latent_Bd.detach().norm(dim=1, keepdim=True), chosen_Bd.norm(dim=1, keepdim=True)
    from_Bd, to_Bd = latent_Bd.detach() / latent_B1.clamp_min(_LEAST), chosen_Bd / chosen_B1.clamp_min(_LEAST)
    sum_B1 = (from_Bd + to_Bd).norm(dim=1, keepdim=True)
    middle_Bd = (from_Bd + to_Bd) / sum_B1.clamp_min(_LEAST)
    along_B1 = (latent_Bd * middle_Bd).sum(1, keepdim=True)
    length_B1 = (latent_Bd * from_Bd).sum(1, keepdim=True)
    turned_Bd = (latent_Bd - 2 * along_B1 * middle_Bd + 2 * length_B1 * to_Bd) * (
        chosen_B1 / latent_B1.clamp_min(_LEAST)
    )
    straight_Bd = latent_Bd + (chosen_Bd - latent_Bd).detach()
    has_turn_B1 = (sum_B1 >= _ANTIPODAL) & (latent_B1 >= _LEAST) & (chosen_B1 >= _LEAST)
    return torch.where(has_turn_B1, turned_Bd, straight_Bd)
