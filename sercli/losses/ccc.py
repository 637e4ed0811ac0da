"""Concordance correlation of predicted and gold-standard traces, and the loss one minus it."""

from typing import Literal

from torch import Tensor

Scope = Literal["batch", "sequence"]

# Added to the denominator. Traces lie in [-1, 1] or thereabouts: this is the variance of wiggles of
# 0.00001, far above float32's rounding of a constant trace, far below that of any real one.
_EPSILON = 1e-10


def ccc(preds: Tensor, target: Tensor, mask: Tensor, scope: Scope = "batch") -> Tensor:
    r"""Return the concordance correlation coefficient of each dimension.

    .. math:: \rho_c = 2 s_{xy} / (s_x^2 + s_y^2 + (\bar x - \bar y)^2)

    The moments divide by n, as in the source. torchmetrics divides by n - 1: expect a difference in
    the third decimal on a few dozen frames, none that shows on thousands.

    Args:
        preds: predicted traces, (batch, frames, dimensions) or (batch, frames), any precision;
            computed in float32.
        target: gold standard on the same scale and of the same shape.
        mask: true on the frames that count, (batch, frames); what stands on others is not looked at.
        scope: ``batch``: of all valid frames of the batch, joined; ``sequence``: of each sequence.

    Returns:
        (dimensions,), or (batch, dimensions) with the scope ``sequence``, in [-1, 1]. Zero where the
        coefficient is 0 / 0: both traces constant and equal, or no frame valid.

    Source: Lin, Biometrics 45(1), 1989.
    """
    over = (0, 1) if scope == "batch" else (1,)
    skip = ~mask.reshape(*mask.shape, *(1 for _ in preds.shape[2:]))  # (batch, frames, 1)
    count = (~skip).sum(over, keepdim=True).clamp(min=1)

    def mean(values: Tensor) -> Tensor:
        return values.masked_fill(skip, 0).sum(over, keepdim=True) / count

    # Here too: NaN in the padding would come back in the gradient, as zero times NaN.
    x, y = preds.float().masked_fill(skip, 0), target.float().masked_fill(skip, 0)
    mean_x, mean_y = mean(x), mean(y)
    covariance = mean((x - mean_x) * (y - mean_y))
    spread = mean((x - mean_x).square()) + mean((y - mean_y).square()) + (mean_x - mean_y).square()
    return (2 * covariance / (spread + _EPSILON)).squeeze(over)


def ccc_loss(preds: Tensor, target: Tensor, mask: Tensor, scope: Scope = "batch") -> Tensor:
    """One minus `ccc`, averaged over the dimensions (and, with the scope ``sequence``, the sequences).

    Where the coefficient is 0 / 0 the loss is one and its gradient zero.

    Args:
        preds: as in `ccc`.
        target: as in `ccc`.
        mask: as in `ccc`.
        scope: as in `ccc`; the coefficient of short sequences is noisy, and of a constant one zero.

    Returns:
        Scalar in [0, 2], float32.

    Source: Tang et al., EURASIP Journal on Audio, Speech, and Music Processing 2021:18, which leaves
    the scope open.
    """
    return 1 - ccc(preds, target, mask, scope).mean()
