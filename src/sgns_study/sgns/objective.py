"""Skip-gram with negative sampling: the objectives, as the definition every fast path is held to.

The lab's objective is `loss` and `accuracy`; that of word2vec's recipe is `window_loss`.

A centre c has positives w ∈ P (its 2R window tokens, pads counted) and negatives w ∈ N (2RK ids):

    loss(c) = − 1/|P| Σ_{w∈P} log σ(c·w) − 1/|N| Σ_{w∈N} log(1 − σ(c·w)),     1 − σ(x) = σ(−x).

Both kinds weigh the same however many negatives there are, as in the lab; Mikolov et al. (2013) sum
them. A pair counts as right if σ(c·w) > 0.5, that is c·w > 0, for a positive, and σ(c·w) < 0.5 for
a negative. The gradient of one pair is −σ(−c·w)/|P| for a positive and σ(c·w)/|N| for a negative,
times w for the centre and times c for the context; a pad's vector is zero, so it moves no centre.
"""

from torch import Tensor
from torch.nn.functional import logsigmoid


def scores(centre: Tensor, context: Tensor) -> Tensor:
    """Dot products c·w, (B, n), of centres (B, d) with their contexts (B, n, d)."""
    return (context @ centre.unsqueeze(-1)).squeeze(-1)


def loss(centre: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
    """Mean loss of a batch: centres (B, d), positives (B, 2R, d), negatives (B, 2RK, d)."""
    positives = -logsigmoid(scores(centre, positive)).mean(dim=1)  # (B,)
    negatives = -logsigmoid(-scores(centre, negative)).mean(dim=1)  # (B,)
    return (positives + negatives).mean()


def accuracy(centre: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
    """Fraction of all pairs of a batch, positive and negative, that are told right."""
    right = (scores(centre, positive) > 0).sum() + (scores(centre, negative) < 0).sum()
    return right / (positive.shape[:2].numel() + negative.shape[:2].numel())


def window_loss(neighbours: Tensor, weights: Tensor, token: Tensor, noise: Tensor) -> Tensor:
    """Loss of a window of word2vec's recipe: Σ_i a_i [−log σ(c_i·w) − Σ_k log σ(−c_i·n_k)].

    Vectors of the neighbours c_i (P, d), of the token w (d,) and of its noise words n_k (K, d);
    weights a_i (P,). Every pair sums over the same K noise words (Ji et al., 2016).
    """
    positives = -logsigmoid(neighbours @ token)  # (P,)
    negatives = -logsigmoid(-neighbours @ noise.T).sum(dim=1)  # (P,)
    return (weights * (positives + negatives)).sum()
