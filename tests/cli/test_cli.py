import errno
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
import yaml
from conftest import SMALL, tone

import sercli
from sercli import cli
from sercli.cli._completion import complete_arch

pytestmark = pytest.mark.usefixtures("blank_pictures")


@pytest.fixture
def run(command_line):
    return command_line


@pytest.fixture
def small_config(tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(SMALL))
    return path


def test_help_needs_neither_torch_nor_lightning_nor_numpy():
    code = (
        "import sys\nsys.argv = ['sercli', '--help']\nfrom sercli.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(sorted({'torch', 'lightning', 'numpy', 'pydantic', 'sercli.cli.train'} & set(sys.modules)), "
        "file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stderr.strip() == "[]"
    for command in ("prepare", "features", "train", "eval", "runs", "config", "doctor"):
        assert command in result.stdout


def test_the_list_of_commands_shows_the_first_sentence_of_each_help():
    commands = typer.main.get_command(cli.app).commands
    for name, lazy in cli._COMMANDS.items():
        command = commands[name]
        assert (command.name, command.hidden) == (name, not lazy.summary)
        if lazy.summary:
            assert command.get_short_help_str(limit=200) == lazy.summary
    assert "bench" in commands
    assert "no-such-command" not in commands


def test_the_version_is_printed(run):
    assert run("--version") == (0, f"sercli {sercli.__version__}\n", "")


def test_closed_streams_are_replaced_and_a_letter_that_an_encoding_lacks_is_written_as_a_code(monkeypatch):
    for name in ("stdin", "stderr"):
        monkeypatch.setattr(sys, name, None)
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="latin-1"))
    cli._open_streams()
    print("“é”", file=sys.stderr)
    print("“é”", flush=True)
    assert written.getvalue() == rb"\u201c" + b"\xe9" + rb"\u201d" + b"\n"
    assert sys.stdin.read() == ""


def test_an_unknown_corpus_is_one_line_on_stderr(run, tmp_path):
    status, out, err = run("prepare", "emo-db", tmp_path)
    assert (status, out) == (1, "")
    assert err == "error: the list of corpora has no 'emo-db'; did you mean emodb?\n"


@pytest.mark.parametrize("arguments", [["prepare"], ["--nonsense"], ["train", "--fold", "x"], ["nonsense"]])
def test_a_wrong_usage_exits_with_2(run, arguments):
    assert run(*arguments)[0] == 2


def test_an_error_of_the_system_is_one_line_too(run, monkeypatch, workspace, tmp_path):
    workspace.root.mkdir()
    (workspace.root / "corpora").write_text("in the way")
    status, _, err = run("prepare", "emodb", tmp_path, "--workspace", workspace.root)
    assert status == 1
    assert err.startswith("error: ")
    assert err.count("\n") == 1


def test_the_main_job_from_corpus_to_report(
    run, build_emodb, workspace, small_workspace, small_config, monkeypatch
):
    place = ["--workspace", small_workspace.root]
    train = ["train", "--config", small_config, "--fold", "1-2", *place]
    status, out, _ = run(*train)
    assert status == 0
    assert "fold 2 (speaker 08), seed 0" in out
    assert "about" in out
    assert "test UA" not in out
    status, again, _ = run(*train)
    assert status == 0
    assert "0 of 2 trials, 2 are finished" in again
    assert "epoch " not in again.replace("kept epoch", "")

    status, out, _ = run("eval", "latest", *place)
    assert status == 0
    assert "UA" in out
    assert "no interval: 2 speakers" in out
    assert "Partial corpus" in out
    report = next(line.split()[-1] for line in out.splitlines() if line.startswith("report"))
    with open(report, encoding="utf-8") as file:  # noqa: PTH123
        page = file.read()
    assert "Left open by the paper" in page

    def refuse(_):
        raise PermissionError(errno.EACCES, "Permission denied", "report")

    with monkeypatch.context() as patch:
        patch.setattr("sercli.reports.run.write_report", refuse)
        status, unwritten, err = run("eval", "latest", *place)
    assert (status, unwritten) == (1, out.partition("\nreport  ")[0])
    assert err.endswith(
        "their report can't be written\n"
        "error: report: Permission denied; get permission, or choose another folder\n"
    )

    metrics = json.loads(run("eval", "latest", "--json", *place)[1])
    listed = json.loads(run("runs", "--json", *place)[1])
    (ua,) = (row["value"] for row in metrics["metrics"] if (row["group"], row["metric"]) == ("all", "ua"))
    assert listed[-1]["ua"] == pytest.approx(ua)
    assert listed[-1]["note"] == "Partial corpus; Unfinished"  # as `eval` says at more length
    assert "fold_name: speaker 08" in run("runs", "show", "latest", *place)[1]
    assert metrics["run"] in run("runs", *place)[1]
    assert {row["corpus"] for row in listed} == {"emodb"}
    assert re.search(r"^run +corpus +trials +UA % +WA %", run("runs", *place)[1], re.MULTILINE)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert "nothing is deleted; --yes deletes without asking" in run("runs", "rm", "latest", *place)[2]
    assert run("runs", "rm", "latest", "--yes", *place)[0] == 0
    assert json.loads(run("runs", "--json", *place)[1]) == []


def test_features_are_computed_once(run, small_workspace):
    arguments = ["features", "emodb", "--workspace", small_workspace.root, "--set", "n_mels=20", "--json"]
    first, second = (json.loads(run(*arguments)[1]) for _ in range(2))
    assert (first["computed"], second["computed"]) == (48, 0)
    assert first["stores"] == second["stores"]


def test_prepare_tells_what_it_found(run, build_emodb, workspace):
    root = build_emodb("03a01Fa", "08a02Wb", "16b10Na")
    status, out, _ = run("prepare", "emodb", root, "--partial", "--workspace", workspace.root)
    assert status == 0
    assert "utterances  3 of 535" in out
    assert "3 (2 female, 1 male)" in out
    assert "already 16 kHz mono, copied unchanged" in out
    status, out, _ = run("prepare", "emodb", root, "--partial", "--json", "--workspace", workspace.root)
    assert json.loads(out)["speakers"] == {"03": 1, "08": 1, "16": 1}


def test_bad_files_are_listed_when_skipped(run, build_emodb, write_wav, workspace):
    root = build_emodb("03a01Fa", "08a02Wb")
    (root / "wav" / "09a01Fa.wav").write_text("text")
    arguments = ["prepare", "emodb", root, "--partial", "--workspace", workspace.root]
    status, _, err = run(*arguments)
    assert status == 1
    assert err.endswith("correct it, or add --skip-bad\n")
    status, out, _ = run(*arguments, "--skip-bad")
    assert status == 0
    assert "skipped     wav/09a01Fa.wav: not readable as audio" in out


def test_config_show_prints_what_would_run(run, small_workspace, small_config):
    status, out, _ = run("config", "show", "--config", small_config, "--workspace", small_workspace.root)
    assert status == 0
    shown = yaml.safe_load(out)
    assert shown["model"]["filters"] == 8
    assert shown["features"]["x"]["n_mels"] == 40
    assert shown["training"]["precision"] != "auto"


def test_a_wrong_setting_names_the_nearest(run, small_workspace):
    status, _, err = run(
        "train", "--arch", "mdcnn", "--set", "model.filter=3", "--workspace", small_workspace.root
    )
    assert status == 1
    assert err == "error: model: unknown setting 'filter'; did you mean filters?\n"


def test_without_a_prepared_corpus_train_says_how_to_prepare_one(run, workspace):
    status, _, err = run("train", "--arch", "mdcnn", "--workspace", workspace.root)
    assert status == 1
    assert "run `sercli prepare emodb PATH`, or `sercli prepare synth` and add --corpus synth" in err


def test_doctor_examines(run):
    status, out, _ = run("doctor", "--json")
    found = json.loads(out)
    assert status == 0
    assert found["versions"]["sercli"] == sercli.__version__
    assert found["missing"] == {"nothing": "all required packages are installed"}


def test_an_interrupt_exits_with_130(run, monkeypatch, build_emodb, workspace):
    from sercli import preparation

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(preparation.manifest, "write", interrupt)
    root = build_emodb("03a01Fa")
    assert run("prepare", "emodb", root, "--partial", "--workspace", workspace.root)[0] == 130
    assert not workspace.manifest("emodb").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--set", "features=5"],
        ["--set", "arch=5"],
        ["--set", "arch=null"],
        ["--set", "training={1: 2}"],
        ["--set", "features.window_ms=1e308"],
        ["--set", "model.spp_levels=[0]"],
    ],
)
def test_an_odd_setting_is_one_line(run, small_workspace, small_config, arguments):
    status, _, err = run("train", "--config", small_config, *arguments, "--workspace", small_workspace.root)
    assert status == 1
    assert err.startswith("error: ")
    assert err.count("\n") == 1


def test_corpora_lists_what_is_supported_and_what_is_held(run, small_workspace):
    status, out, _ = run("corpora", "--workspace", small_workspace.root)
    assert status == 0
    assert "iemocap: IEMOCAP" in out
    assert "licence   CC BY-NC-SA 4.0" in out
    assert "Actors Dataset, 7442 utterances, 91 speakers, 6 emotions, 5.26 hours\n" in out
    assert "language  Canadian French\n" in out
    assert "Actor_01/03-01-01-01-01-01-01.wav (or --download)" in out
    assert "prepared  48 of 535 utterances" in out
    held = json.loads(run("corpora", "--json", "--workspace", small_workspace.root)[1])
    assert held["prepared"]["emodb"]["utterances"] == 48
    assert held["supported"]["ravdess"]["download"].startswith("https://")
    described = held["supported"]["aesdd"]
    assert (described["language"], described["hours"]) == ("Greek", 0.69)
    assert described["counts_from"].startswith("the readable files of a public list")
    assert described["origin"].startswith("the Aristotle University")


def test_a_manifest_is_exported_and_prepared_again(run, small_workspace, tmp_path):
    place = ["--workspace", small_workspace.root]
    status, out, _ = run("corpora", "export", "emodb", "nkululeko", tmp_path / "out.csv", *place)
    assert status == 0
    assert "48 utterances as nkululeko" in out
    audio = small_workspace.corpus("emodb")
    status, out, _ = run(
        "prepare", "manifest", tmp_path / "out.csv", "--name", "again", "--audio-root", audio,
        "--workspace", tmp_path / "workspace",
    )  # fmt: skip
    assert status == 0
    assert "utterances  48" in out
    assert "speakers    4 (2 female, 2 male)" in out
    assert "scheme      every-emotion: 48 in 4 classes" in out


def test_protocols_are_listed_and_shown_on_a_corpus(run, small_workspace, tmp_path):
    place = ["--corpus", "emodb", "--scheme", "emodb-4", "--workspace", small_workspace.root]
    status, out, _ = run("protocols")
    assert status == 0
    assert "random-5-fold@1 " in out
    assert "not speaker independent" in out
    status, out, _ = run("protocols", "show", "leave-one-speaker-out", *place)
    assert status == 0
    assert "1  speaker 03    24 (2 sp.)    12 (1 sp.)    12 (1 sp.)" in out
    assert "with the mean over folds" in out
    listed = tmp_path / "mine.csv"
    listed.write_text(run("protocols", "show", "leave-one-speaker-out", "--csv", *place)[1])
    folds = json.loads(run("protocols", "show", f"lists:{listed}", "--json", *place)[1])
    other = json.loads(run("protocols", "show", "leave-one-speaker-out", "--json", *place)[1])
    assert folds["digest"] == other["digest"]
    assert "NOT SPEAKER INDEPENDENT" in run("protocols", "show", "random-3-fold", *place)[1]


def test_audit_exits_with_3_when_something_leaks(run, small_workspace, tmp_path):
    for name, files in (("train.txt", "a.wav\nb.wav\n"), ("test.txt", "b.wav\n")):
        (tmp_path / name).write_text(files)
    status, out, _ = run("audit", tmp_path / "train.txt", tmp_path / "test.txt")
    assert status == 3
    assert "LEAK         utterances" in out
    report = json.loads(run("audit", tmp_path, "--json")[1])
    assert report["leaks"] == 1
    assert {finding["check"] for finding in report["findings"]} >= {"same audio", "labels by speaker"}
    status, out, _ = run("audit", "--corpus", "emodb", "--workspace", small_workspace.root)
    assert status == 0
    assert "no leak found" in out
    assert "known        texts" in out


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["latest", "--corpus", "emodb"],
        ["latest", "--protocol", "random-5-fold"],
        ["latest", "--targets", "arousal"],
        ["--corpus", "emodb", "--audio-root", "."],
        ["--corpus", "emodb", "--column", "speaker=who"],
    ],
)
def test_audit_says_what_it_can_be_given(run, arguments):
    assert run("audit", *arguments)[0] == 2


def test_a_general_corpus_is_prepared_trained_and_evaluated_speaker_independently(
    run, write_wav, tmp_path, small_config
):
    for speaker in ("a", "b", "c"):
        for label, pitch in (("Happy", 300.0), ("sad", 120.0)):
            for take in range(3):
                write_wav(
                    tmp_path / "mine" / label / f"{speaker}_{take}.wav",
                    tone(0.4, 44_100, pitch, seed=take),
                    rate=44_100,
                )
    place = ["--workspace", tmp_path / "workspace"]
    status, out, _ = run("prepare", "folder", tmp_path / "mine", "--speaker-pattern", "/([abc])_", *place)
    assert status == 0
    assert "18 files converted to 16 kHz mono" in out
    assert "read as     Happy -> happiness; sad -> sadness" in out
    status, out, err = run(
        "train", "--config", small_config, "--set", "corpus=mine", "--set", "scheme=every-emotion",
        "--max-epochs", 1, "--fold", 1, *place,
    )  # fmt: skip
    assert (status, err) == (0, "")
    assert "protocol  leave-one-speaker-out@1: 3 folds" in out
    status, out, _ = run("eval", "latest", *place)
    assert status == 0
    assert "protocol leave-one-speaker-out@1 (digest " in out


def test_folds_that_are_not_speaker_independent_say_so_with_every_figure(run, small_workspace, small_config):
    place = ["--workspace", small_workspace.root]
    arguments = ["--protocol", "random-4-fold", "--max-epochs", 1, "--fold", 1, *place]
    assert run("train", "--config", small_config, *arguments)[0] == 0
    status, out, _ = run("eval", "latest", *place)
    assert status == 0
    assert "note: Not speaker independent: under random-4-fold@1 4 speakers are in the training" in out
    assert "Not speaker independent" in json.loads(run("eval", "latest", "--json", *place)[1])["banners"][0]
    assert run("runs", "rm", "latest", "--yes", *place)[0] == 0


@pytest.mark.rendered
@pytest.mark.slow
def test_variants_are_computed_in_one_command_and_drawn_side_by_side(run, small_workspace, tmp_path):
    place = ["--workspace", small_workspace.root]
    small = ["--set", "duration_s=0.5", "--set", "n_mels=8"]
    status, out, _ = run("features", "emodb", "--kind", "logmel", "--variants", "v2-v4", *small, *place)
    assert status == 0
    assert "logmel of emodb: 144 computed, 0 already stored" in out
    assert "  v3: 1 x 8 x frames, 2400 frames in total" in out
    picture = tmp_path / "v.png"
    drawn = ["show", "emodb/03a01Fa", "--kind", "logmel", "--variants", "v1,v8", "--out", picture]
    assert run("features", *drawn, *place) == (0, f"{picture}: 1 x 64 x 600\n", "")
    assert picture.read_bytes().startswith(b"\x89PNG")
    listed = json.loads(run("features", "ls", "--json", *place)[1])
    assert {"window_ms": 20.0, "duration_s": 0.5, "n_mels": 8} in [row["settings"] for row in listed]
    assert run("features", "verify", *place)[1].endswith("nothing damaged\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["emodb", "--kind", "logmel", "--variants", "v9"], "--variants: 'logmel' has no 'v9'"),
        (["emodb", "--kind", "waveform", "--variants", "v1"], "--variants: 'waveform' has none"),
        (["emodb", "--accelerator", "tpu"], "accelerator='tpu': use auto, cpu, gpu, cuda or mps"),
        (["emodb", "--kind", "logmel", "--set", "n_fft=8"], "n_fft=8 is shorter than the window"),
        (["show", "emodb/03a01F"], "corpus 'emodb' has no 'emodb/03a01F'; did you mean emodb/03a01Fa"),
        (["ravdess"], "corpus 'ravdess' is not prepared"),
    ],
)
def test_what_features_can_not_do_is_one_line(run, small_workspace, arguments, message):
    status, _, err = run("features", *arguments, "--workspace", small_workspace.root)
    assert status == 1
    assert message in err
    assert err.count("\n") == 1


def test_damaged_features_are_computed_again_and_needless_ones_pruned(run, build_emodb, workspace):
    place = ["--workspace", workspace.root]
    run("prepare", "emodb", build_emodb("03a01Fa", "08a02Wb"), "--partial", *place)
    run("features", "emodb", *place)
    shard = next(workspace.features.glob("logmel3d-*/00000.bin"))
    content = bytearray(shard.read_bytes())
    content[100] ^= 1
    shard.write_bytes(content)
    status, out, _ = run("features", "verify", *place)
    assert status == 0
    assert "1 arrays were damaged, 1 computed again" in out
    assert "2 arrays, none damaged" in run("features", "verify", *place)[1]
    (workspace.features / "old-v1-000000000000").mkdir()
    assert "would remove old-v1-000000000000" in run("features", "prune", "--dry-run", *place)[1]
    assert "removed old-v1-000000000000" in run("features", "prune", *place)[1]
    assert [path.name for path in workspace.features.iterdir()] == [shard.parent.name]
    status, _, err = run("features", "prune", "--workspace", workspace.root / "misspelled")
    assert status == 1
    assert "misspelled: no such workspace" in err


def test_models_are_listed_and_shown_layer_by_layer(run):
    status, out, _ = run("models")
    assert status == 0
    assert "attpool         93,573 parameters, on x spectrogram" in out
    shown = json.loads(run("models", "show", "melcnn", "--json")[1])
    assert shown["example"] == {"x": [1, 128, 130]}
    assert shown["layers"][0]["shape"] == "64 x 128 x 130"
    assert any("Left open by the paper" in note for note in shown["open"])
    assert (
        run("models", "show", "melcn")[2]
        == "error: the list of architectures has no 'melcn'; did you mean melcnn, mdcnn?\n"
    )


@pytest.mark.parametrize(
    ("arch", "settings"),
    [
        ("eca", ["model.n=1", "model.base=2", "features.duration_s=0.7", "features.n_mels=64"]),
        ("attpool", ["segments.size_s=0.2", "segments.hop_s=0.1", "segments.frames=32", "features.bins=64"]),
        ("cnnlstm", ["features.duration_s=0.2", "model.hidden_size=8"]),
    ],
)
def test_every_paper_s_network_trains_on_any_corpus(run, small_workspace, arch, settings):
    place = ["--workspace", small_workspace.root]
    given = [item for setting in settings for item in ("--set", setting)]
    corpus = ["--corpus", "emodb", "--scheme", "emodb-4", "--fold", 1, "--max-epochs", 1]
    status, out, err = run("train", "--arch", arch, *corpus, *given, *place)
    assert (status, err) == (0, "")
    assert "kept epoch 1 of 1" in out
    status, out, _ = run("eval", "latest", *place)
    assert status == 0
    assert "12 utterances, 1 trials" in out
    assert run("runs", "rm", "latest", "--yes", *place)[0] == 0


def test_classes_that_a_corpus_lacks_are_not_counted(run, tmp_path, write_wav):
    for name in ("angry", "sad"):
        write_wav(tmp_path / "corpus" / name / "a.wav")
    status, out, _ = run(
        "prepare", "folder", tmp_path / "corpus", "--name", "two", "--workspace", tmp_path / "workspace"
    )
    assert status == 0
    assert "scheme      every-emotion: 2 in 2 classes" in out
    assert "scheme      common-4: 2 in 2 of 4 classes; has no happiness, neutral" in out


OWN = Path(__file__).parents[2] / "examples/own"


@pytest.mark.parametrize("place", ["before", "after", "joined"])
def test_plugins_are_found_wherever_the_option_stands(command_line, place):
    given = {
        "before": ["--plugins", OWN, "models", "show", "stats-pool"],
        "after": ["models", "show", "stats-pool", "--plugins", OWN],
        "joined": ["models", f"--plugins={OWN}", "show", "stats-pool"],
    }[place]
    status, out, err = command_line(*given)
    assert (status, err) == (0, "")
    assert "stats-pool" in out


def test_a_folder_of_plugins_that_is_not_there_is_named(command_line, tmp_path):
    status, out, err = command_line("models", "--plugins", tmp_path / "absent")
    assert (status, out) == (1, "")
    assert err.startswith(f"error: {tmp_path / 'absent'}: no such folder of plug-ins; ")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            OSError(errno.ENOSPC, "Full", "a.csv"),
            "a.csv: Full; free some space and run the same command again",
        ),
        (
            OSError(errno.ENOSPC, "Full"),
            "standard output, or a temporary file: Full; free some space and run",
        ),
        (OSError(errno.EACCES, "Denied", "a.csv"), "a.csv: Denied; get permission, or choose another folder"),
        (OSError(errno.EROFS, "Fixed", "a.csv"), "a.csv: Fixed; choose a folder that can be written"),
        (FileExistsError(errno.EEXIST, "There", "file"), "file: a file, not a folder; remove it, or choose"),
        (
            NotADirectoryError(errno.ENOTDIR, "No", "file/a/b"),
            "file: a file, not a folder; remove it, or choose",
        ),
        (FileExistsError(errno.EEXIST, "There", "."), ".: There"),
        (OSError("something"), "something"),
    ],
)
def test_errors_of_the_system_have_a_place_and_a_remedy(run, tmp_path, monkeypatch, error, message):
    def fail(_):
        raise error

    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    monkeypatch.setattr(cli, "app", fail)
    status, out, err = run("runs")
    assert (status, out) == (1, "")
    assert err.startswith(f"error: {message}")


def test_without_a_home_matplotlib_prints_no_warning(tmp_path):
    (tmp_path / "home").touch()
    code = (
        "import sys\nsys.argv = ['sercli', '--version']\nfrom sercli.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "import matplotlib\nmatplotlib.get_cachedir()"
    )
    unset = {"MPLCONFIGDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"}
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    environment["HOME"] = str(tmp_path / "home")
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("train --arch m", ["mdcnn", "melcnn", "mlp"]),
        ("models show md", ["mdcnn"]),
        ("features compute --kind log", ["logmel", "logmel3d", "logmel40"]),
        ("train --protocol speaker-", ["speaker-5-fold", "speaker-5-fold-no-dev"]),
        ("train --scheme emodb-4", ["emodb-4"]),
        ("report mdcnn-s", ["mdcnn-spp"]),
        ("ablate mdcnn-s", ["mdcnn-spp"]),
        ("prepare emod", ["emodb"]),
        ("train --workspace place --corpus s", ["synth"]),
        ("eval --workspace place l", ["latest"]),
        ("runs show --workspace place own", ["own-1"]),
        ("eval --workspace file l", []),
    ],
)
def test_a_shell_completes_values(run, tmp_path, monkeypatch, line, names):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "place/corpora/synth").mkdir(parents=True)
    (tmp_path / "place/corpora/synth/manifest.jsonl").touch()
    (tmp_path / "place/runs/own-1/fold-01/seed-0").mkdir(parents=True)
    (tmp_path / "file").touch()
    words = ["sercli", *line.split()]
    for name, value in (("WORDS", " ".join(words)), ("CWORD", str(len(words) - 1))):
        monkeypatch.setenv(f"COMP_{name}", value)
    monkeypatch.setenv("_SERCLI_COMPLETE", "complete_bash")
    monkeypatch.setattr(
        sys.modules["__main__"], "__package__", None
    )  # the name of the program is then sercli
    status, out, err = run()
    assert (status, out.split(), err) == (0, names, "")


def test_a_shell_completes_nothing_where_plugins_are_missing(monkeypatch):
    monkeypatch.setenv("SERCLI_PLUGINS", "absent")
    assert complete_arch("m") == []


def test_completing_an_architecture_needs_no_torch():
    code = (
        "import sys\nfrom sercli.cli._completion import complete_arch, complete_feature\n"
        "assert complete_arch('m') and complete_feature('l')\nprint('torch' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "False\n"
