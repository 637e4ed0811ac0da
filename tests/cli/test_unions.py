"""Several corpora as one, and lists of other tools, on the command line."""

import json
import shutil

import pytest
import soundfile
from conftest import EMODB_LETTERS, tone

from sercli import Bundle, Workspace
from sercli.inference.cross_corpus import apply_run
from sercli.reports.cross_corpus import report_applied
from sercli.runs.folder import find_run

pytestmark = pytest.mark.usefixtures("blank_pictures")

QUICK = (
    *("--arch", "mdcnn", "--max-epochs", "1", "--accelerator", "cpu", "--set", "model.filters=8"),
    *("--set", "model.blocks=1", "--set", "model.attention=false", "--set", "training.patience=null"),
)
NOUNS = {"W": "anger", "F": "happiness", "N": "neutral", "T": "sadness"}


@pytest.fixture(scope="module")
def root(tmp_path_factory, small_workspace):
    """A workspace with EMO-DB and a table of six speakers, of whom one has recordings of EMO-DB."""
    root = tmp_path_factory.mktemp("unions")
    shutil.copytree(small_workspace.root, root / "w")
    lines = ["file,speaker,emotion"]
    for s in range(6):
        for letter, pitch in EMODB_LETTERS.items():
            name = f"{s}{letter}.wav"
            soundfile.write(root / name, tone(0.35, pitch=1.3 * pitch + s, seed=100 + s), 16_000)
            lines.append(f"{name},p{s},{NOUNS[letter]}")
    emodb = Workspace(root / "w")
    first = emodb.utterances("emodb")[0]
    shutil.copy(emodb.corpus("emodb") / first.file, root / "again.wav")
    lines.append(f"again.wav,p0,{first.emotion}")
    (root / "list.csv").write_text("\n".join(lines) + "\n")
    return root


@pytest.fixture(scope="module")
def prepared(root):
    from sercli.preparation import prepare

    place = Workspace(root / "w")
    prepare("csv", root / "list.csv", place, name="own")
    prepare("synth", None, place)
    return place


@pytest.fixture
def sercli(command_line, prepared):
    def run(*arguments):
        status, out, err = command_line(*arguments, "--workspace", prepared.root)
        assert status == 0, err
        return out

    return run


@pytest.fixture(scope="module")
def trained(prepared):
    """A run that leaves out one corpus after the other."""
    from sercli import train

    return train(
        prepared,
        "mdcnn",
        "own+emodb",
        protocol="leave-one-corpus-out",
        settings=[*QUICK[7::2], "training.max_epochs=1"],
        accelerator="cpu",
    )


def test_it_is_trained_evaluated_exported_and_reproduced(
    sercli, command_line, trained, prepared, tmp_path, root
):
    said = sercli("train", *QUICK, "--corpus", "emodb+own", "--protocol", "leave-one-corpus-out")
    assert f"finished: {trained.path}" in said, "the order of the names does not matter"
    assert "union     72 utterances: emodb 48, own 24" in said
    assert (
        "union     1 recording of own is also in emodb, and left out of own, such as own/again = emodb/"
        in said
    )
    assert "own/p0 have recordings in common, and count as one speaker" in said
    assert "2 are finished" in said
    made = trained.trials()[0].settings()["provenance"]
    assert made["shared_speakers"] == 0
    assert made["corpus"]["repeated"] == 1
    assert {name: part["manifest_sha256"] for name, part in made["corpus"]["parts"].items()} == {
        name: prepared.manifest_digest(name) for name in ("emodb", "own")
    }
    found = json.loads(sercli("eval", trained.name, "--draws", "100", "--json"))
    by_corpus = {row["name"]: row["count"] for row in found["metrics"] if row["group"] == "corpus"}
    # The fold that tests EMO-DB leaves its speaker out of training; the other fold tests all of "own".
    assert by_corpus == {"emodb": 48, "own": 24}
    assert any("48 of 535 utterances of emodb are prepared" in banner for banner in found["banners"])
    assert found["audit"]["verdict"].startswith("no leak")

    folder = tmp_path / "model"
    sercli("export", trained.name, folder, "--fold", "2")
    facts = Bundle.load(folder).facts
    assert facts["corpus"] == "emodb+own"
    assert facts["licence"].startswith("emodb: ")
    assert "emodb: 48 of 535 utterances; own: 25 utterances; 1 of them" in (folder / "README.md").read_text()
    again = json.loads(sercli("reproduce", folder, "--json"))
    assert (again["verdict"], again["corpus"]) == ("holds exactly", "emodb+own")
    status, out, err = command_line("predict", folder, root / "0W.wav", "--json")
    assert (status, "anger" in out) == (0, True), err


def test_a_corpus_of_the_training_is_no_other_corpus(command_line, trained, prepared):
    for on in ("own", "own+synth"):
        status, _, err = command_line("eval", trained.name, "--on", on, "--workspace", prepared.root)
        assert status == 1
        assert "was trained on 'own': name another corpus" in err


def test_a_run_is_tested_on_a_union(sercli, prepared):
    sercli("train", *QUICK, "--corpus", "synth", "--protocol", "speaker-4-fold", "--fold", "1")
    run = find_run(prepared, "latest")
    applied = apply_run(run, "own+emodb", prepared)
    assert (applied.corpus, applied.scheme, sum(applied.tested.values())) == ("emodb+own", "common-4", 72)
    result = report_applied(applied, prepared, draws=100)
    assert result.folder == run.path / "on-emodb+own-common-4"
    assert "emodb: 48 of 535" in result.report.facts["corpus as prepared"]


def test_audit_protocols_config_and_export_take_it(sercli, tmp_path):
    said = sercli("audit", "--corpus", "own+emodb", "--protocol", "speaker-3-fold")
    assert said.startswith("emodb+own, common-4, speaker-3-fold@1")
    assert "1 recording of own is also in emodb" in said
    said = sercli("protocols", "show", "leave-one-corpus-out", "--corpus", "own+emodb")
    assert "corpus emodb" in said
    assert "corpus own" in said
    config = sercli("config", "show", "--arch", "mdcnn", "--corpus", "own+emodb")
    assert "corpus: emodb+own\nscheme: common-4\nprotocol: leave-one-speaker-out@1" in config
    sercli("corpora", "export", "emodb+own", "nkululeko", tmp_path / "both.csv")
    assert len((tmp_path / "both.csv").read_text().splitlines()) == 73


def test_a_missing_part_is_named(command_line, prepared):
    status, _, err = command_line("audit", "--corpus", "emodb+none", "--workspace", prepared.root)
    assert (status, "corpus 'none' is not prepared" in err) == (1, True)


def test_lists_of_a_tool_train_and_show_what_leaks(sercli, prepared, tmp_path):
    utterances = prepared.utterances("emodb")
    for part, take in (("train", "01"), ("valid", "02"), ("test", "03")):
        rows = {
            each.id.partition("/")[2]: {"wav": f"{{data_root}}/{each.source}", "length": 1.0, "emo": "x"}
            for each in utterances
            if f"a{take}" in each.id
        }
        (tmp_path / f"{part}.json").write_text(json.dumps(rows))
    lists = ("--corpus", "emodb", "--protocol", f"lists:{tmp_path}", "--scheme", "emodb-4")
    said = sercli("train", *QUICK, *lists, "--dry-run")
    assert "lists     48 of 48 listed utterances are in the corpus" in said
    assert "audit     1 of 9 checks found a leak: speakers" in said
    assert "audit     speakers: 4 speakers in train and test" in said
    (tmp_path / "valid.json").unlink()
    said = sercli("train", *QUICK, *lists)
    assert "finished: " in said, "lists without a dev part"


def test_the_study_cross_corpus_takes_any_set(sercli):
    said = sercli(
        "ablate", "cross-corpus", "--rows", "mdcnn", "--on", "emodb+own,synth", "--dry-run", *QUICK[2:]
    )
    assert "2 cells" in said


def test_each_corpus_is_standardised_by_its_own_statistics(sercli, command_line, prepared, root):
    sercli(
        *("train", *QUICK, "--corpus", "emodb+own", "--protocol", "leave-one-corpus-out-no-dev"),
        *("--fold", "2", "--set", "features.statistics=per-corpus"),
    )
    assert "Transductive: features are standardised per corpus" in sercli("eval", "latest", "--draws", "100")
    assert "each corpus's utterances of a part" in " ".join(sercli("audit", "latest").split())
    trial = next(prepared.root.glob("runs/*no-dev*/fold-02/seed-0"))
    header, *rows = (line.split(",") for line in (trial / "predictions.csv").read_text().splitlines())
    names = [row[0] for row in rows]
    assert {name.partition("/")[0] for name in names} == {"own"}
    files = [root / f"{name.partition('/')[2]}.wav" for name in names]
    predicted = sercli("predict", "latest", *files, "--json").splitlines()
    for line, row in zip(predicted, rows, strict=True):
        stored = dict(zip(header, row, strict=True))
        for name, value in json.loads(line)["probabilities"].items():
            assert value == pytest.approx(float(stored[f"p({name})"]), abs=1e-4)
    enrolled = sercli("predict", "latest", files[0], "--json", "--enrol", *files[:1], "--enrol", files[5])
    assert json.loads(enrolled)["probabilities"] != json.loads(predicted[0])["probabilities"]
    status, _, err = command_line("predict", "latest", files[0], "--workspace", prepared.root)
    assert (status, "1 of 1 corpora have fewer than 2 utterances; " in err) == (1, True), err
    status, _, err = command_line(
        "predict", "latest", files[0], "--same-speaker", "--workspace", prepared.root
    )
    assert (status, "does not standardise per speaker" in err) == (1, True), err
