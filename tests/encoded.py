"""Recordings as bytes, in containers and with headers that programs leave behind."""

import io
import struct

import numpy as np
import soundfile


def encode(samples, container, subtype="PCM_16", rate=16_000, **options):
    out = io.BytesIO()
    soundfile.write(out, samples, rate, format=container, subtype=subtype, **options)
    return out.getvalue()


def to_mp3(samples, rate=16_000, mode="CONSTANT"):
    """An MP3 whose first frame is the encoder's Info or Xing header."""
    return encode(samples, "MP3", None, rate, bitrate_mode=mode, compression_level=0.7)


def split_mp3(stream):
    """The frames of a layer III stream of MPEG 1 or 2, each begun by its four bytes."""
    tables = {
        0xFB: (
            144,
            (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
            (44100, 48000, 32000),
        ),
        0xF3: (72, (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160), (22050, 24000, 16000)),
    }
    frames = []
    while len(stream) > 4:
        factor, kbit, rates = tables[stream[1]]
        size = factor * 1000 * kbit[stream[2] >> 4] // rates[stream[2] >> 2 & 3] + (stream[2] >> 1 & 1)
        frames.append(stream[:size])
        stream = stream[size:]
    return frames


def to_wav(data, declared=None, *, rate=16_000, form=1, bits=16, after=b""):
    """A wav file by hand; ``declared`` is the length that its data chunk states."""
    width = bits // 8
    settings = struct.pack("<HHIIHH", form, 1, rate, min(rate * width, 2**32 - 1), width, bits)
    declared = len(data) if declared is None else declared
    body = (
        b"WAVEfmt " + struct.pack("<I", 16) + settings + b"data" + struct.pack("<I", declared) + data + after
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def to_pcm(samples):
    return np.round(samples * 32767).astype("<i2").tobytes()
