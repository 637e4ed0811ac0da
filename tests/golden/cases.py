"""The inputs of the golden files: settings, corpora of tones, command lines.

Only the functions of the first section name anything within the package; when names there change, they are
what has to follow. Everything else is given to the command line.
"""

import contextlib
import io
import json
import sys
from unittest import mock

import numpy as np
import soundfile
import torch

MANIFEST_SHA256 = "ab" * 32
"""The digest of a manifest that the run names are made with."""


# --- the package


def run_name(arch, corpus, scheme, protocol, settings):
    """Name the run of some settings, as `train` would on a CPU told to compute in 32 bits."""
    from sercli.training.settings import complete, gather

    if not any(each.startswith("training.precision") for each in settings):
        settings = [*settings, "training.precision=32-true"]
    given = gather(None, settings, arch=arch, corpus=corpus, scheme=scheme, protocol=protocol)
    return complete(given).name(MANIFEST_SHA256)


def divide(protocol, utterances):
    """Divide utterances, given as dictionaries; return the digest of the folds."""
    from sercli.protocols import fold_digest, get_protocol
    from sercli.records import Utterance

    records = [Utterance(file="f", **each) for each in utterances]
    labels = {each["id"]: each.get("emotion", "") for each in utterances}
    return fold_digest(get_protocol(protocol).divide(records, labels))


def sercli(*words, stdin=b""):
    """Run the command line in this process, in one thread; return exit status, stdout, stderr."""
    from sercli import cli

    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    threads, status = torch.get_num_threads(), 0
    torch.set_num_threads(1)
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        mock.patch.object(sys, "argv", ["sercli", *map(str, words)]),
        mock.patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin))),
    ):
        try:
            cli.main()
        except SystemExit as left:
            status = left.code or 0
        finally:
            torch.set_num_threads(threads)
    return status, *(each.buffer.getvalue().decode() for each in (out, err))


# --- run names: (architecture, corpus, scheme, protocol, settings)

IEMOCAP = ("iemocap", "iemocap-impro4")
SYNTH = ("synth", "synth-4", "speaker-4-fold")
TRACES = ("synth-continuous", "arousal-valence", "speaker-4-fold")
RUN_NAMES = [
    # The recipe of each architecture on each of its paper's settings.
    ("attpool", *IEMOCAP, "leave-one-speaker-out-no-dev", []),
    ("cnnlstm", *IEMOCAP, "leave-one-session-out", []),
    ("cnnlstm", "recola", "arousal-valence", "recola-5-fold", []),
    ("diccoser", *IEMOCAP, "leave-one-session-out", []),
    ("diccoser", "recola", "arousal-valence", "recola-5-fold", []),
    ("eca", "iemocap", "iemocap-impro4-merged", "iemocap-impro4-merged-random5", []),
    ("mdcnn", *IEMOCAP, "iemocap-impro4-speaker10", []),
    ("mdcnn", "emodb", "emodb-7", "leave-one-speaker-out", []),
    ("melcnn", "ravdess", "ravdess-14", "ravdess-blind-22-24", []),
    # Every other protocol and version.
    ("eca", "iemocap", "iemocap-impro4-merged", "iemocap-impro4-merged-speaker5", []),
    ("melcnn", "ravdess", "ravdess-8", "ravdess-blind-24", []),
    ("melcnn", "ravdess", "ravdess-16", "ravdess-random-eighth", []),
    ("melcnn", "ravdess", "ravdess-7", "random-5-fold", []),
    ("melcnn", "ravdess", "ravdess-4", "stratified-5-fold", []),
    ("melcnn", "ravdess", "ravdess-4-nocalm", "speaker-3-fold-no-dev", []),
    ("diccoser", "recola", "arousal-valence", "recola-5-fold@1", []),
    ("mdcnn", "emodb", "emodb-4", "train-on-all", []),
    ("mdcnn", "mine", "every-emotion", "speaker-5-fold", []),
    ("mdcnn", "mine", "common-4", "leave-one-speaker-out@1", []),
    ("mdcnn", "iemocap", "iemocap-4", "leave-one-session-out", []),
    ("mdcnn", "iemocap", "iemocap-impro4-excited", "leave-one-session-out", []),
    # Networks.
    ("mdcnn", *SYNTH, ["model.filters=16", "model.blocks=2", "model.dilation=iterative"]),
    ("mdcnn", *SYNTH, ["model.head=softmax", "model.spp_levels=[1,2]", "model.attention=false"]),
    ("mdcnn", *SYNTH, ["model.arcface_scale=8", "training.arcface_margin=0.3"]),
    ("eca", *SYNTH, ["model.eca_layers=[]", "features.window_ms=40"]),
    ("eca", *SYNTH, ["model.eca_layers=[1,2]", "model.eca_kernel=adaptive", "model.base=4"]),
    ("eca", *SYNTH, ["model.channels=[4,4,4,8,8,8]"]),
    ("melcnn", *SYNTH, ["model.layout=B", "features.placement=start", "features.trim_db=null"]),
    ("melcnn", *SYNTH, ["features.original=true", "augment={}"]),
    ("diccoser", *SYNTH, ["model.variant=b", "model.causal_condition=false"]),
    ("diccoser", *SYNTH, ["model.input=logmel", "model.variant=c", "model.max_of=abs"]),
    ("diccoser", *SYNTH, ["model.input=logmel", "features.wave.number=float16"]),
    ("diccoser", *TRACES, ["training.ccc_scope=sequence", "segments.hop_s=2"]),
    ("diccoser", *TRACES, ["model.frames=100", "segments.size_s=4", "segments.test_hop_s=4"]),
    ("cnnlstm", *SYNTH, ["model.hidden_size=32", "model.bidirectional=true"]),
    ("cnnlstm", *SYNTH, ["model.bidirectional=false"]),  # neutral: as if not given
    ("cnnlstm", *TRACES, ["model.input=logmel", "training.batch_size=3"]),
    ("attpool", *SYNTH, ["model.head=gap", "features.map=min-max", "features.map_scope=utterance"]),
    ("attpool", *SYNTH, ["model.head=bilinear", "segments.tail=pad", "segments.test_hop_s=1"]),
    # Features: kinds, statistics, formats; neutral settings.
    ("mdcnn", *SYNTH, ["features.delta_frames=5", "features.statistics=per-bin"]),
    ("mdcnn", *SYNTH, ["features.statistics=per-utterance", "features.number=float16"]),
    ("mdcnn", *SYNTH, ["features.corners=down"]),
    ("mdcnn", *SYNTH, ["features.corners=nearest", "features.statistics=max"]),
    ("eca", *SYNTH, ["features.kind=logmel40", "features.duration_s=2"]),
    ("eca", *SYNTH, ["features.kind=melspec-db", "features.trim_db=30"]),
    ("eca", *SYNTH, ["features.kind=spectrogram", "segments.size_s=2", "segments.frames=200"]),
    ("eca", *SYNTH, ["features.normalise_window=false", "features.n_fft=power-of-two"]),
    ("eca", *SYNTH, ["features.normalise_window=true", "features.floor=1e-15"]),
    ("attpool", *SYNTH, ["features.kind=logmel", "features.duration_s=null", "segments.frames=null"]),
    # Augmentations, each once, and several.
    ("mdcnn", *SYNTH, ["augment={flip: {}}"]),
    ("mdcnn", *SYNTH, ["augment={gain: {gain_db_max: 3.0}}"]),
    ("mdcnn", *SYNTH, ["augment={mixup: {}}", "model.head=softmax"]),
    ("mdcnn", *SYNTH, ["augment={noise: {colour: pink}}"]),
    ("mdcnn", *SYNTH, ["augment={specaugment: {time_masks: 1}}"]),
    ("mdcnn", *SYNTH, ["augment={speed: {factors: [0.8, 1.2]}}"]),
    ("melcnn", *SYNTH, ["augment={shift: {}}"]),
    ("eca", *SYNTH, ["augment={stft-multi: {}}"]),
    ("eca", *SYNTH, ["augment={stft-multi: {train: [v1, v8], test: v1, each: random}}"]),
    ("mdcnn", *SYNTH, ["augment={flip: {p: 0.3}, noise: {}, specaugment: {}}"]),
    ("diccoser", *TRACES, ["augment={gain: {}, noise: {}}"]),
    # Training.
    ("mdcnn", *SYNTH, ["training.optimizer=sgd", "training.momentum=0.5", "training.schedule=constant"]),
    ("mdcnn", *SYNTH, ["training.schedule=steps", "training.milestones=[3,5]", "training.clip_norm=1"]),
    ("mdcnn", *SYNTH, ["training.accumulate=2", "training.class_weights=false"]),
    ("mdcnn", *SYNTH, ["training.class_weight_alpha=0.5", "training.selection=last"]),
    ("mdcnn", *SYNTH, ["training.batch_statistics=running", "training.patience=3"]),
    ("mdcnn", *SYNTH, ["training.batch_statistics=reestimated", "model.batch_norm=true"]),
    ("mdcnn", *SYNTH, ["training.selection=best-on-test", "training.max_epochs=3"]),
    ("eca", *SYNTH, ["training.focal_gamma=1", "training.precision=bf16-mixed"]),
    ("eca", *SYNTH, ["training.loss=cross-entropy", "training.precision=16-mixed"]),
    ("diccoser", *SYNTH, ["training.rmsprop_decay=0.99"]),
    ("diccoser", *SYNTH, ["training.rmsprop_decay=0.9"]),
    # Weights of another network: the digest counts, the place does not.
    ("mdcnn", *SYNTH, ["init=here/bundle#0123456789ab"]),
    ("mdcnn", *SYNTH, ["init=there/bundle#0123456789ab"]),
    ("mdcnn", *SYNTH, ["init=there/bundle#ba9876543210"]),
]

CONFIGS = [(arch, "emodb") for arch in ("attpool", "cnnlstm", "diccoser", "eca", "mdcnn", "melcnn")] + [
    ("cnnlstm", "recola"),
    ("diccoser", "recola"),
]
"""Architectures and corpora whose complete settings are kept."""


# --- corpora, as distributed

EMODB_LETTERS = {"W": 320.0, "F": 240.0, "N": 170.0, "T": 110.0}
SPEAKERS = ("03", "08", "09", "10", "11", "12")
RECORDINGS = ("dev_1", "dev_2", "dev_3", "train_1", "train_2", "train_3")


def tone(seconds, pitch, seed):
    """Make a decaying tone with a little noise, 16 kHz, (samples,)."""
    time = np.arange(round(seconds * 16_000)) / 16_000
    noise = np.random.default_rng(seed).normal(0, 0.01, len(time))
    return (0.5 * np.sin(2 * np.pi * pitch * time) * np.exp(-time) + noise).astype(np.float32)


def write_wav(path, samples):
    """Write 16 bit samples at 16 kHz."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, 16_000, subtype="PCM_16")


def build_emodb(root):
    """Lay out six speakers of EMO-DB, four emotions, two tones each."""
    for s, speaker in enumerate(SPEAKERS):
        for letter, pitch in EMODB_LETTERS.items():
            for take in range(2):
                samples = tone(0.30 + 0.03 * take, pitch * (1 + 0.02 * s), 10 * s + take)
                write_wav(root / "wav" / f"{speaker}a0{take + 1}{letter}a.wav", samples)
    return root


def build_avec(root, seconds=5.0):
    """Lay out six recordings of RECOLA as AVEC gives them out, with raters and gold standards."""
    times = np.arange(round(seconds * 25) + 1) / 25
    for number, name in enumerate(RECORDINGS):
        loud = np.sin(2 * np.pi * np.arange(round(seconds * 16_000)) / 16_000 / (1.5 + 0.3 * number))
        samples = (0.4 + 0.3 * loud) * np.sign(tone(seconds, 120 + 10 * number, number))
        write_wav(root / "recordings_audio" / f"{name}.wav", 0.5 * samples)
        for k, dimension in enumerate(("arousal", "valence")):
            wave = 0.5 * np.sin(2 * np.pi * times / (1.5 + 0.3 * number + 0.5 * k))
            rows = list(zip(times, wave, strict=True))
            raters = [";".join([f"{t:.2f}", *(f"{v + 0.1 * i:.2f}" for i in range(3))]) for t, v in rows]
            place = root / "ratings_individual" / dimension / f"{name}.csv"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text("time;FM1 ;FM2 ;FM3 \n" + "\n".join(raters) + "\n")
            head = f"@relation GOLDSTANDARD_{dimension.upper()}\n\n@attribute Instance_name string\n"
            head += "@attribute frameTime numeric\n@attribute GoldStandard numeric\n\n\n@data\n\n"
            gold = (f"'{name}',{t:.2f},{v + 0.1:.6f}\n" for t, v in rows)
            place = root / "ratings_gold_standard" / dimension / f"{name}.arff"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(head + "".join(gold))
    return root


def build_folder(root):
    """Lay out a corpus of another kind: a folder for each emotion, three speakers."""
    for s in range(3):
        for emotion, pitch in (("anger", 300.0), ("neutral", 180.0), ("sadness", 100.0)):
            for take in range(2):
                samples = tone(0.35 + 0.02 * take, pitch * (1 + 0.05 * s), 100 + 10 * s + take)
                write_wav(root / emotion / f"s{s}_{take}.wav", samples)
    return root


def build_speech(root):
    """Write the recordings that bundles are applied to: a short one and a long one."""
    write_wav(root / "short.wav", tone(0.5, 300.0, 1))
    write_wav(root / "long.wav", np.concatenate([tone(0.5, pitch, 2) for pitch in (320, 110, 170, 240, 320)]))
    return root


def prepare(workspace, raw):
    """Prepare the three corpora."""
    emodb, recola, other = build_emodb(raw / "emodb"), build_avec(raw / "recola"), build_folder(raw / "other")
    for words in (
        ("emodb", emodb, "--partial"),
        ("recola", recola, "--partial"),
        ("folder", other, "--name", "other", "--speaker-pattern", "(s[0-9])_"),
    ):
        status, _, err = sercli("prepare", *words, "--workspace", workspace)
        assert status == 0, err


# --- folds: corpora as lists of utterances


def utterances(corpus, speakers, emotions, takes, session=lambda speaker: None):
    """List utterances of each speaker, in each emotion, so many times; every other speaker is a woman."""
    return [
        {"id": f"{corpus}/{speaker}-{emotion}-{take}", "corpus": corpus, "speaker": speaker}
        | {"gender": "male" if number % 2 else "female", "session": session(speaker), "emotion": emotion}
        for number, speaker in enumerate(speakers)
        for emotion in emotions
        for take in range(takes)
    ]


ACTORS = [f"{number:02d}" for number in range(1, 25)]
IEMOCAP_SPEAKERS = [f"Ses0{number}{letter}" for number in range(1, 6) for letter in "FM"]
FOUR = ("anger", "happiness", "neutral", "sadness")
LISTS = {
    "emodb": utterances("emodb", ["03", "08", "09", "10", "11", "12", "13", "14", "15", "16"], FOUR, 3),
    "iemocap": utterances("iemocap", IEMOCAP_SPEAKERS, FOUR, 5, lambda speaker: speaker[:5]),
    "ravdess": utterances("ravdess", ACTORS, (*FOUR, "fear", "disgust", "surprise"), 2),
    "recola": [
        {"id": f"recola/{part}_{number}", "corpus": "recola", "speaker": f"{part}_{number}"}
        for part in ("train", "dev")
        for number in range(1, 10)
    ],
}
EVERY = ("emodb", "iemocap", "ravdess", "recola")
CLASSES = EVERY[:3]
PROTOCOLS = {
    "iemocap-impro4-merged-random5@1": ("iemocap",),
    "iemocap-impro4-merged-speaker5@1": ("iemocap",),
    "iemocap-impro4-speaker10@1": ("iemocap",),
    "leave-one-session-out@1": ("iemocap",),
    "leave-one-speaker-out@1": EVERY,
    "leave-one-speaker-out-no-dev@1": EVERY,
    "random-5-fold@1": EVERY,
    "ravdess-blind-22-24@1": ("ravdess",),
    "ravdess-blind-24@1": ("ravdess",),
    "ravdess-random-eighth@1": ("ravdess",),
    "recola-5-fold@2": ("recola",),
    "speaker-5-fold@1": EVERY,
    "speaker-5-fold-no-dev@1": EVERY,
    "stratified-5-fold@1": CLASSES,
    "train-on-all@1": EVERY,
    "recola-5-fold@1": ("recola",),
    "speaker-2-fold-no-dev": EVERY,
    "speaker-3-fold": EVERY,
    "speaker-10-fold": EVERY,
    "random-3-fold": EVERY,
    "random-10-fold": EVERY,
    "stratified-3-fold": CLASSES,
}
"""Protocols, and the corpora that each can divide."""


def fold_digests():
    """Give the digest of the folds of each protocol on each corpus that it can divide."""
    return {
        f"{name} on {corpus}": divide(name, LISTS[corpus])
        for name, corpora in PROTOCOLS.items()
        for corpus in corpora
    }


# --- names of feature stores

STORES = {
    "logmel": [],
    "logmel-half": ["--float16"],
    "logmel-variants": ["--variants", "v1-v8"],
    "logmel-set": ["--set", "n_mels=32", "--set", "normalise_window=false"],
    "logmel3d": [],
    "logmel3d-set": ["--set", "delta_frames=5", "--set", "corners=nearest"],
    "logmel40": [],
    "melspec-db": [],
    "melspec-db-set": ["--set", "trim_db=30", "--set", "placement=centre"],
    "spectrogram": [],
    "waveform": [],
    "waveform-set": ["--set", "aggregate=rms"],
}
"""Kinds of features (what follows a known kind is a note), and options."""


def store_names(workspace):
    """Compute the features of a small corpus; give the folders' names and the frames."""
    kinds = ("logmel3d", "logmel40", "logmel", "melspec-db", "spectrogram", "waveform")
    found = {}
    for name, options in STORES.items():
        kind = next(kind for kind in kinds if name == kind or name.startswith(f"{kind}-"))
        words = ["features", "other", "--kind", kind, *options, "--json", "--workspace", workspace]
        status, out, err = sercli(*words)
        assert status == 0, err
        found[name] = [
            (each["path"].rpartition("/")[2], each["frames"]) for each in json.loads(out)["stores"]
        ]
    return found


# --- trainings

_SETTINGS = {
    "short": [
        *("training.max_epochs=2", "training.batch_size=8", "training.patience=null", "training.lr=0.03"),
        "training.lr_min=0.001",
    ],
    "one": ["training.max_epochs=1", "training.batch_size=16"],
    "plain": [
        *("model.filters=8", "model.blocks=1", "model.spp_levels=[1,2]", "model.attention=false"),
        "model.head=softmax",
    ],
    "windows": [
        *("segments.size_s=2.0", "segments.hop_s=1.0", "segments.test_hop_s=2.0"),
        *("training.lr=0.01", "training.max_epochs=2", "training.patience=null"),
    ],
}


def _training(arch, corpus, folds, augment, *settings):
    words = ["train", "--arch", arch, "--corpus", corpus, "--protocol", "speaker-3-fold", "--fold", folds]
    words += ["--augment", augment] if augment else []
    words += ["--scheme", "emodb-4"] if corpus == "emodb" else []
    words += ["--precision", "32-true", "--accelerator", "cpu"]
    return words + [word for setting in settings for word in ("--set", setting)]


TRAININGS = {
    "classes": _training("mdcnn", "emodb", "all", "none", *_SETTINGS["plain"], *_SETTINGS["short"]),
    "traces": _training(
        *("diccoser", "recola", "all", None, "model.channels=4", "model.frames=50", "model.input=logmel"),
        *("model.variant=a", *_SETTINGS["windows"]),
    ),
    "arcface": _training(
        *("mdcnn", "emodb", "all", "flip,gain,noise,specaugment,speed"),
        *("model.filters=4", "model.blocks=1", "model.embedding_size=8", "training.selection=last"),
        *("model.batch_norm=true", "training.batch_statistics=reestimated", "training.max_epochs=2"),
        *("training.batch_size=8", "augment.specaugment.time_width=4"),
    ),
    "mixup": _training(
        *("mdcnn", "emodb", "1", "mixup", *_SETTINGS["plain"], *_SETTINGS["one"]),
        *("training.optimizer=sgd", "training.schedule=constant", "features.statistics=per-bin"),
    ),
    "variants": _training(
        *("eca", "emodb", "1", "stft-multi", *_SETTINGS["one"]),
        *("augment.stft-multi.train=[v1,v8]", "model.n=1", "model.base=2", "features.duration_s=0.6"),
    ),
    "melcnn": _training(
        *("melcnn", "emodb", "1", "shift", *_SETTINGS["one"], "features.duration_s=0.5", "model.frames=22"),
        *("model.filters=[4,4,4,4]", "model.pools=[2,2,2,2]", "features.n_mels=32"),
    ),
    "attpool": _training(
        *("attpool", "emodb", "1", None, *_SETTINGS["one"], "segments.size_s=0.3", "segments.hop_s=0.1"),
        *("segments.test_hop_s=0.1", "segments.frames=32", "features.bins=32"),
        *("segments.tail=pad",),
    ),
    "logmel": _training(
        *("diccoser", "emodb", "1", None, *_SETTINGS["one"], "model.input=logmel", "model.channels=4"),
        *("model.frames=25",),
    ),
    "lstm": _training(
        *("cnnlstm", "emodb", "1", None, *_SETTINGS["one"], "model.filters=[4,4,4]", "model.hidden_size=4"),
    ),
    "lstm-traces": _training(
        *("cnnlstm", "recola", "1", None, *_SETTINGS["windows"], "model.filters=[4,4,4]"),
        *("model.hidden_size=4", "augment={gain: {}}"),
    ),
}
"""Trainings by name: the words of the command line."""


# --- what is printed of trained networks


def outputs(runs, workspace, golden, out):
    """Give the command lines whose JSON is kept, by name.

    Args:
        runs: names of runs, by name of the training.
        workspace: where they lie, with the corpora.
        golden: the folder of the golden files.
        out: a folder for what is written; speech is below it.
    """
    place = ("--workspace", workspace)
    folder = {name: workspace / "runs" / run / "fold-01" / "seed-0" / "bundle" for name, run in runs.items()}
    short, long = out / "speech" / "short.wav", out / "speech" / "long.wav"
    evaluated = {
        f"eval-{name}": ("eval", runs[name], "--draws", 1000, "--json", *place)
        for name in ("classes", "traces", "arcface")
    }
    return evaluated | {
        "eval-on-other": (
            *("eval", runs["classes"], "--on", "other", "--scheme", "common-4", "--draws", 1000),
            *("--accelerator", "cpu", "--json", *place),
        ),
        "audit-classes": ("audit", runs["classes"], "--json", *place),
        "audit-traces": ("audit", runs["traces"], "--json", *place),
        "audit-corpus": ("audit", "--corpus", "emodb", "--protocol", "random-3-fold", "--json", *place),
        "compare-classes": (
            *("compare", runs["classes"], runs["arcface"], "--draws", 1000, "--json", *place),
        ),
        "compare-traces": (
            *("compare", runs["traces"], runs["study-traces"], "--draws", 1000, "--json", *place),
        ),
        "report-classes": (
            *("report", golden / "study" / "classes.yaml", "--draws", 1000, "--json", *place),
        ),
        "report-traces": ("report", golden / "study" / "traces.yaml", "--draws", 1000, "--json", *place),
        "predict-classes": ("predict", folder["classes"], short, long, "--json", "--accelerator", "cpu"),
        "predict-timeline": (
            *("predict", folder["arcface"], long, "--timeline", "--window-s", 1, "--hop-s", 0.5, "--json"),
            *("--accelerator", "cpu"),
        ),
        "predict-segments": ("predict", folder["attpool"], short, long, "--json", "--accelerator", "cpu"),
        "predict-traces": ("predict", folder["traces"], short, long, "--json", "--accelerator", "cpu"),
        "live-classes": ("predict", folder["logmel"], "--live", "--json"),
        "live-traces": ("predict", folder["traces"], "--live", "--json"),
        "reproduce-classes": (
            *("reproduce", out / "bundles" / "classes", "--accelerator", "cpu", "--json", *place),
        ),
        "reproduce-traces": (
            *("reproduce", out / "bundles" / "traces", "--accelerator", "cpu", "--json", *place),
        ),
    }


def samples_of(path):
    """Read a recording as the raw samples that `predict --live` takes."""
    return soundfile.read(path, dtype="int16")[0].astype("<i2").tobytes()
