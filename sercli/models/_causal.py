"""Convolutions over time that see no later frame."""

from torch import Tensor, nn

from sercli.models._dropout import Dropout
from sercli.models._layout import SequenceNorm, as_image, convolve


class CausalConv1d(nn.Conv1d):
    """Convolution with zeros before the first frame and none after the last, so as many frames out as in."""

    def __init__(self, n_in: int, n_out: int, width: int, dilation: int = 1) -> None:
        super().__init__(n_in, n_out, width, dilation=dilation)
        self.past = (width - 1) * dilation

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        """Convolve (batch, n_in, frames) to (batch, n_out, frames)."""
        return self.of_image(as_image(input)).squeeze(2)

    def of_image(self, x: Tensor) -> Tensor:
        """Convolve an image of one row, (batch, n_in, 1, frames), to (batch, n_out, 1, frames)."""
        return convolve(self, x, before=self.past)


class DilatedBlock(nn.Module):
    """Dilated causal convolution of width 2, dropout, batch normalisation, ReLU, 1 x 1 convolution; residual.

    A conditioned block adds a convolution of a second sequence to that of the first.

    Source: Tang et al., EURASIP JASM 2021:18, section 3.1, equation 1, figure 2.
    """

    def __init__(
        self,
        channels: int,
        dilation: int,
        dropout: float,
        *,
        conditioned: bool = False,
        causal_condition: bool = True,
        norm_per_branch: bool = False,
    ) -> None:
        super().__init__()
        self.conv = CausalConv1d(channels, channels, 2, dilation)
        self.norm = SequenceNorm(channels)
        self.dropout = Dropout(dropout)
        self.mix = nn.Conv1d(channels, channels, 1)
        self.condition: CausalConv1d | _Ahead | None = None
        self.condition_norm: nn.Module | None = None
        if conditioned:
            self.condition = CausalConv1d(channels, channels, 2) if causal_condition else _Ahead(channels)
            self.condition_norm = SequenceNorm(channels) if norm_per_branch else None

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Transform x under the condition y, both (batch, channels, frames), to the shape of x."""
        x = as_image(x)  # (batch, channels, 1, frames)
        z = self.conv.of_image(x)
        if self.condition is None or y is None:
            z = self.norm(self.dropout(z))
        else:
            condition = self.condition.of_image(as_image(y))
            if self.condition_norm is None:
                z = self.norm(self.dropout(z.add_(condition)))
            else:
                z = self.norm(self.dropout(z)) + self.condition_norm(self.dropout(condition))
        # Neither a sum, a normalisation nor a convolution needs its own output for its gradient.
        return convolve(self.mix, z.relu_()).add_(x).squeeze(2)  # (batch, channels, frames)


class _Ahead(nn.Conv1d):
    """Convolution of width 2 over a frame and the next one, the "same" padding of an even width."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels, 2)

    def of_image(self, x: Tensor) -> Tensor:
        return convolve(self, x, after=1)
