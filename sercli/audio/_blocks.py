"""Read samples out of an open file, and make one channel of them."""

from contextlib import nullcontext

import numpy as np
import soundfile

from sercli.audio._quiet import without_remarks
from sercli.audio._scale import Scale, can_exceed, choose_scale
from sercli.errors import AudioError

Block = np.ndarray[tuple[int, int], np.dtype[np.int16 | np.float32]]
"""Samples as they are in a file, (samples, channels)."""
Samples = np.ndarray[tuple[int], np.dtype[np.float32]]

# Samples, of all channels, that are asked of libsndfile at once: a damaged header may promise any number.
_AT_ONCE = 1 << 26
# Frames of at most 1152 samples that a decoder of MPEG audio may keep back at both ends of a stream.
_KEPT_BACK = 4 * 1152
# Steps of 16 bits between lowest and highest sample up to which a recording is silence: that of dither.
_SILENCE = 2 / 32768
# Samples of MPEG audio, of 32 frames at most, whose bits a later frame may use.
_SHARED = 32 * 1152
# Share of the channels' peak below which their mean shows that they cancel each other.
_CANCELLED = 0.1


class OpenFile(soundfile.SoundFile):  # type: ignore[misc]  # soundfile has no types
    """An open file that is read on from where it is.

    soundfile seeks after every read, to where the file is already. Where frames share bits (MP3) that
    spoils what follows, and everywhere it takes time. It does not seek in a file that can't be.

    Attributes:
        at: the sample that comes next.
    """

    at = 0

    def seekable(self) -> bool:
        """Say no."""
        return False

    def go_to(self, sample: int) -> None:
        """Make a sample the next one."""
        if sample == self.at:
            return
        shared = _SHARED if self.subtype.startswith("MPEG") else 0
        self.seek(max(0, sample - shared))
        if shared:
            self.read(min(sample, shared), dtype="float32")
        self.at = sample


def read_block(file: OpenFile, count: int, first: int) -> Block:
    """Read samples from ``first`` on, (samples, channels), 16-bit ones as integers.

    Raises:
        AudioError: there are fewer.
    """
    # PCM16 read as integers is twice as fast and, divided by 2^15, exactly what float32 gives.
    kind = "int16" if file.subtype == "PCM_16" else "float32"
    mpeg = file.subtype.startswith("MPEG")
    most = max(1, _AT_ONCE // file.channels)
    blocks: list[Block] = []
    done = 0
    try:
        with without_remarks if mpeg else nullcontext():
            file.go_to(first)
            while done < count:
                wanted = min(count - done, most)
                blocks.append(file.read(wanted, dtype=kind, always_2d=True))
                done += len(blocks[-1])
                if len(blocks[-1]) < wanted:
                    break
            file.at = first + done
    except soundfile.LibsndfileError as error:
        reason = error.error_string.removeprefix("Error : ").rstrip(".")
        fact = f"not all of its {file.frames} samples can be read ({reason})"
        raise AudioError(f"cut short or damaged, {fact}; copy it again") from None
    # Where the complete frames of MPEG audio end is known; the decoder's own count is the length.
    if done < count - (_KEPT_BACK if mpeg else 0):
        raise AudioError(f"cut short, {first + done} of {file.frames} samples; copy it again")
    return blocks[0] if len(blocks) == 1 else np.concatenate(blocks)


def scale_of(file: OpenFile, samples: Block) -> Scale:
    return choose_scale([samples]) if can_exceed(file.subtype) else Scale()


def is_silent(samples: Samples) -> bool:
    """Tell whether samples are digital silence, with dither or without."""
    return not samples.size or bool(samples.max() - samples.min() <= _SILENCE)


def mix(samples: Block, scale: Scale) -> Samples:
    """Average the channels and bring the samples within full scale."""
    if samples.dtype == np.int16:
        samples = samples * np.float32(1 / 32768)
    elif samples.size and not (np.isfinite(samples.max()) and np.isfinite(samples.min())):
        raise AudioError("holds values that are no numbers (NaN or infinity)")
    elif scale.divisor != 1:
        samples = samples / np.float32(scale.divisor)
    if samples.shape[1] == 1:
        mono = samples[:, 0]
    elif samples.shape[1] == 2:
        mono = (samples[:, 0] + samples[:, 1]) * np.float32(0.5)  # as `mean`, but ten times as fast
    else:
        mono = samples.mean(axis=1)
    return np.ascontiguousarray(mono, dtype=np.float32)


def cancels(samples: Block, mono: Samples, scale: Scale) -> bool:
    """Tell whether the mean of channels holds next to nothing of them."""
    if samples.shape[1] == 1 or not mono.size:
        return False
    full = (32768 if samples.dtype == np.int16 else 1) * scale.divisor
    peak, loudest = np.abs(mono).max(), max(-float(samples.min()), float(samples.max())) / full
    if loudest <= _SILENCE or peak >= _CANCELLED * loudest:
        return False
    # Of many channels of which few hold anything the mean is low too.
    return bool(peak < _CANCELLED * np.abs(samples / np.float32(full)).mean(axis=1).max())
