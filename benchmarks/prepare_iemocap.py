"""Compare the command that prepares a corpus of IEMOCAP's size and layout with decoding its files.

The corpus is generated first: 10 039 turns of 0.6 s in 150 dialogs, with labels, raters and words.
"""

import shutil
import tempfile
from pathlib import Path

import numpy as np
import soundfile

from benchmarks import Bench, Row
from benchmarks._command import run
from benchmarks._timing import interleaved
from sercli import audio, files, manifest
from sercli.workspace import Workspace

_TURNS = 10_039
_SECONDS = 0.6
_DIALOGS = [
    (session, side, f"impro{number:02d}")
    for session in range(1, 6)
    for side in "FM"
    for number in range(1, 16)
]


def _run(corpora: Path | None, quick: bool) -> list[Row]:  # noqa: ARG001
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "IEMOCAP"
        paths = _build(root, 300 if quick else _TURNS)
        return _measure(root, paths, Path(folder), 1 if quick else 3)


def _measure(root: Path, paths: list[Path], folder: Path, rounds: int) -> list[Row]:
    workspaces = [Workspace(folder / f"workspace-{number}") for number in range(rounds + 1)]
    pending = iter(workspaces)
    memory: list[float] = []

    def decode() -> None:
        for path in paths:
            soundfile.read(path, dtype="int16")

    def copy() -> None:
        target = Path(tempfile.mkdtemp(dir=folder))  # deleted at the end
        for path in paths:
            shutil.copyfile(path, target / path.name)

    def prepare() -> None:
        where = str(next(pending).root)
        memory.append(run("prepare", "iemocap", str(root), "--partial", "--workspace", where))

    def read() -> None:
        manifest.read(workspaces[0].manifest("iemocap"))

    taken = interleaved(
        {
            "soundfile decode": decode,
            "copying the files, no more": copy,
            "sercli prepare": prepare,
            "manifest read back": read,
        },
        rounds,
    )
    floor = taken["soundfile decode"]
    rows = [Row(what, t, "s", f"{t / floor:.1f} x the decoding") for what, t in taken.items()]
    return [*rows, Row("sercli prepare, peak memory", max(memory), "MiB")]


def _build(root: Path, turns: int) -> list[Path]:
    """Write the corpus, and return its recordings."""
    rng = np.random.default_rng(0)
    labels: dict[tuple[int, str, str], list[str]] = {dialog: [] for dialog in _DIALOGS}
    for number in range(turns):
        session, side, name = dialog = _DIALOGS[number % len(_DIALOGS)]
        count = len(labels[dialog])
        labels[dialog].append(f"Ses{session:02d}{side}_{name}_{'FM'[count % 2]}{count:03d}")
    paths = []
    for (session, side, name), names in labels.items():
        dialog_name, base = f"Ses{session:02d}{side}_{name}", root / f"Session{session}"
        folder = base / "sentences" / "wav" / dialog_name
        folder.mkdir(parents=True)
        for turn in names:
            samples = 0.1 * rng.standard_normal(round(_SECONDS * audio.SAMPLE_RATE), dtype=np.float32)
            audio.write_pcm16(folder / f"{turn}.wav", samples, audio.SAMPLE_RATE)
            paths.append(folder / f"{turn}.wav")
        blocks = (_block(turn, index) for index, turn in enumerate(names))
        header = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"
        files.write_text(base / "dialog" / "EmoEvaluation" / f"{dialog_name}.txt", header + "\n".join(blocks))
        words = (
            f"{turn} [{index:08.4f}-{index + _SECONDS:08.4f}]: Well.\n" for index, turn in enumerate(names)
        )
        files.write_text(base / "dialog" / "transcriptions" / f"{dialog_name}.txt", "".join(words))
    return paths


def _block(turn: str, index: int) -> str:
    emotion = ("neu", "ang", "hap", "sad", "exc", "fru", "xxx")[index % 7]
    raters = "".join(f"C-E{rater}:\tNeutral;\t()\n" for rater in (1, 2, 3))
    grades = "".join(f"A-E{rater}:\tval 3; act 2; dom  2;\t()\n" for rater in (1, 2))
    times = f"[{index:.4f} - {index + _SECONDS:.4f}]"
    return f"{times}\t{turn}\t{emotion}\t[2.5000, 2.5000, 2.5000]\n{raters}{grades}"


BENCH = Bench(
    _run, "10 039 turns of 0.6 s in IEMOCAP's layout, the whole command; then the manifest read back"
)
