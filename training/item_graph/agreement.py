"""What makes the views of an item agree: perturbed views, and its own row against what its graphs say of it.

Axes: B items of a step, D embedding, G graphs.
"""

import torch
from torch import Tensor
from torch.nn.functional import normalize


def perturb(embedding_BD: Tensor, length: float, noise_BD: Tensor) -> Tensor:
    """e + length |e| sign(e) n / |n| with n from [0, 1): as far as the embedding is long, and in its own orthant.

    A zero vector stays zero. The radius in proportion to the modulus is what sets this apart from SimGCL's fixed one.
    """
    radius_B1 = length * embedding_BD.norm(dim=1, keepdim=True)
    moved_BD: Tensor = embedding_BD + radius_B1 * embedding_BD.sign() * normalize(noise_BD, dim=1)
    return moved_BD


def agreement(left_BD: Tensor, right_BD: Tensor, temperature: float) -> Tensor:
    """InfoNCE: mean of -log softmax_j(cos(left_b, right_j) / temperature) at j = b; 0 for no items."""
    return anchored(left_BD, right_BD[None], temperature)


def anchored(anchor_BD: Tensor, view_GBD: Tensor, temperature: float) -> Tensor:
    """Mean of -log(sum_g e^s(b, b_g) / sum_j,g e^s(b, j_g)): every view of the item is a positive of its anchor.

    s is the cosine over the temperature. Items whose anchor or any view is zero have nothing to agree on and are left
    out, as anchors and as negatives.
    """
    there_B = (anchor_BD != 0).any(1) & (view_GBD != 0).any(2).all(0)
    if int(there_B.sum()) == 0:
        return anchor_BD.sum() * 0
    anchor_BD, view_GBD = normalize(anchor_BD[there_B], dim=1), normalize(view_GBD[:, there_B], dim=2)
    score_GBB = anchor_BD @ view_GBD.transpose(1, 2) / temperature
    own_GB = torch.diagonal(score_GBB, dim1=1, dim2=2)
    all_B = score_GBB.permute(1, 0, 2).flatten(1).logsumexp(1)
    return (all_B - own_GB.logsumexp(0)).mean()
