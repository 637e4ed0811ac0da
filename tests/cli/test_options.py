"""No option that is given twice loses one of its values in silence."""

import re

import pytest
import typer

from sercli.cli import app
from sercli.cli._options import key_values


def commands(group=None, before=()):
    """Every command with the words that call it."""
    group = group or typer.main.get_command(app)
    for name, command in group.commands.items():
        yield (*before, name), command
        if hasattr(command, "commands"):
            yield from commands(command, (*before, name))


SINGLE = [
    (words, option)
    for words, command in commands()
    for option in command.params
    if option.param_type_name == "option" and not (option.multiple or option.is_flag or option.is_eager)
]


def test_the_options_of_one_value_are_found():
    assert len(SINGLE) > 60
    assert {"--arch", "--corpus", "--workspace"} <= {option.opts[0] for _, option in SINGLE}


@pytest.mark.parametrize(("words", "option"), SINGLE, ids=lambda x: getattr(x, "name", None) or "-".join(x))
def test_an_option_of_one_value_is_not_taken_twice(command_line, words, option):
    spelled = option.opts[0]
    status, out, err = command_line(*words, spelled, "1", f"{spelled}=2")
    assert (status, out) == (2, "")
    assert f"Invalid value for '{spelled}'" in err
    assert "more than once" in err


@pytest.mark.parametrize(("command", "option"), [("predict", "--format"), ("train", "--labels")])
def test_a_value_that_is_no_choice_is_refused_without_the_words_of_the_library(command_line, command, option):
    status, _, err = command_line(command, option, "elan")
    assert status == 2
    assert f"Invalid value for '{option}': 'elan' is not one of '" in err


def test_contrary_switches_are_refused_and_equal_ones_are_not(command_line, workspace):
    status, _, err = command_line("predict", "b", "x.wav", "--timeline", "--no-timeline")
    assert (status, "more than once" in err) == (2, True)
    assert command_line("runs", "--json", "--json", "--workspace", workspace.root)[:2] == (0, "[]\n")


@pytest.mark.parametrize("group", ["runs", "corpora", "protocols", "models"])
def test_an_option_before_a_command_is_refused_since_the_command_would_not_see_it(command_line, group):
    status, _, err = command_line(group, "--json", "show", "x")
    assert status == 2
    assert "write it after 'show'" in err


def test_runs_names_the_corpus_of_each(command_line, workspace):
    for number, corpus in enumerate(("emodb", "a-corpus-of-my-own", None)):
        folder = workspace.runs / f"eca-every-emotion-{number}" / "fold-01" / "seed-0"
        folder.mkdir(parents=True)
        if corpus:
            (folder / "config.yaml").write_text(f"corpus: {corpus}\nprovenance: {{corpus: {{}}}}\n")
    _, out, _ = command_line("runs", "--workspace", workspace.root)
    words = [line.split()[:2] for line in out.splitlines()]
    assert words == [
        ["run", "corpus"],
        ["eca-every-emotion-0", "emodb"],
        ["eca-every-emotion-1", "a-corpus-of-my-own"],
        ["eca-every-emotion-2", "-"],
    ]


# The estimate of the duration trains the network for a few steps.
SMALL = ("--arch", "mdcnn", "--set", "model.filters=8", "--set", "model.blocks=1")


def trials(out):
    return re.findall(r"fold (\d) .*seed (\d+): ", out)


@pytest.mark.parametrize(
    ("given", "folds"),
    [
        (["--fold", "1", "--fold", "2"], "12"),
        (["--fold", "2", "--fold=1"], "21"),
        (["--fold", "1-2", "--fold", "2,4"], "124"),
        (["--folds", "1", "--folds", "3"], "13"),
        (["--fold", "1", "--folds", "3-4"], "134"),
        (["--fold", "1", "--fold", "all"], "1234"),
        ([], "1234"),
    ],
)
def test_folds_of_repeated_options_add_up(command_line, small_workspace, given, folds):
    place = ["--workspace", small_workspace.root, "--corpus", "emodb", "--scheme", "emodb-4"]
    status, out, err = command_line("train", *SMALL, "--dry-run", *place, *given)
    assert status == 0
    assert trials(out) == [(fold, "0") for fold in folds]
    assert err == ("note: this option is now called --fold\n" if "--folds" in given else "")


@pytest.mark.parametrize(
    ("given", "seeds"),
    [
        (["--seed", "1", "--seed", "2"], "12"),
        (["--seed", "0-1", "--seeds", "7"], "017"),
        (["--seeds", "3", "--seeds", "5"], "35"),
    ],
)
def test_seeds_of_repeated_options_add_up(command_line, small_workspace, given, seeds):
    place = ["--workspace", small_workspace.root, "--corpus", "emodb", "--scheme", "emodb-4"]
    status, out, err = command_line("train", *SMALL, "--fold", "2", "--dry-run", *place, *given)
    assert status == 0
    assert trials(out) == [("2", seed) for seed in seeds]
    assert err == ("note: this option is now called --seed\n" if "--seeds" in given else "")


@pytest.mark.parametrize(
    ("fold", "seed"),
    [("--fold", "--seed"), ("--folds", "--seed"), ("--fold", "--seeds"), ("--folds", "--seeds")],
)
def test_each_old_spelling_has_its_own_note(command_line, small_workspace, fold, seed):
    place = ["--workspace", small_workspace.root, "--corpus", "emodb", "--scheme", "emodb-4"]
    given = [fold, "1", seed, "0-1"]
    status, out, err = command_line("train", *SMALL, "--dry-run", *place, *given)
    assert status == 0
    assert trials(out) == [("1", "0"), ("1", "1")]
    notes = [f"note: this option is now called {name[:-1]}" for name in (fold, seed) if name.endswith("s")]
    assert sorted(err.splitlines()) == sorted(notes)


def test_a_study_takes_the_same_options(command_line, small_workspace, tmp_path):
    study = tmp_path / "mine.yaml"
    study.write_text(
        "title: t\nsource: s\narch: mdcnn\non: [emodb-4]\nrows: [{name: a, set: {model.filters: 8}}]\n"
    )
    place = ["--workspace", small_workspace.root, "--on", "emodb-4", "--dry-run"]
    given = ["--fold", "1", "--folds", "3", "--seed", "0", "--seed", "4"]
    status, out, err = command_line("ablate", study, *place, *given)
    assert (status, err) == (0, "note: this option is now called --fold\n")
    assert "1 cells, 4 trials" in out


@pytest.mark.parametrize(
    ("command", "option"),
    [(command, option) for command in ("train", "ablate") for option in ("fold", "seed")],
)
@pytest.mark.parametrize("text", ["x", "3-1", "1-999999999999", "²", "", "1,,2"])
def test_numbers_that_are_none_are_a_wrong_usage(command_line, command, option, text):
    status, _, err = command_line(command, *(["x"] if command == "ablate" else []), f"--{option}", text)
    assert (status, f"--{option} '{text}'" in err) == (2, True)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["model.blocks=1", "model.blocks=2"], "model.blocks is set to 1 and to 2; give it one value"),
        (["training.lr=0.1", "training={lr: 0.2}"], "training.lr is set to 0.1 and to 0.2"),
        (["model=5", "model.blocks=2"], "model is set to 5 and to"),
    ],
)
@pytest.mark.parametrize("command", ["train", "features", "ablate", "prepare"])
def test_a_setting_is_given_one_value(command_line, small_workspace, command, given, told):
    words = {
        "train": ["train", "--arch", "mdcnn", "--corpus", "emodb"],
        "features": ["features", "emodb"],
        "ablate": ["ablate", "mdcnn"],
        "prepare": ["prepare", "recola", small_workspace.root],
    }[command]
    settings = [word for item in given for word in ("--set", item)]
    status, _, err = command_line(*words, *settings, "--workspace", small_workspace.root)
    assert (status, err.count("\n")) == (1, 1)
    assert told in err


def test_a_label_is_given_one_emotion(command_line, tmp_path):
    prepare = ["prepare", "folder", tmp_path, "--name", "c", "--workspace", tmp_path / "w"]
    status, _, err = command_line(*prepare, "--map", "x=anger", "--map", "x=fear")
    assert (status, "x=anger already" in err) == (2, True)
    status, _, err = command_line(*prepare, "--map", "X=anger", "--map", "x=fear")
    assert status == 1
    assert "map x=fear: x is already mapped to anger" in err
    status, _, err = command_line(*prepare, "--map", "x=anger", "--set", "map.x=fear")
    assert status == 1
    assert "map.x is set to fear and to anger" in err


@pytest.mark.parametrize(
    ("words", "pair", "message"),
    [
        (("prepare", "csv", "x.csv", "--map"), "anger", "'anger': write --map LABEL=EMOTION"),
        (("prepare", "csv", "x.csv", "--map"), "W=", "'W=': write --map LABEL=EMOTION"),
        (("prepare", "csv", "x.csv", "--map"), "W=anger,A=fear", "again for each pair, as --map W=..."),
        (("prepare", "csv", "x.csv", "--column"), "file", "'file': write --column FIELD=COLUMN"),
        (("audit", "x.csv", "--column"), "file", "'file': write --column FIELD=COLUMN"),
        (("predict", "b", "x", "--column"), "speaker=a,file=b", "each pair, as --column speaker=..."),
    ],
)
def test_a_wrong_pair_is_named_with_the_option_as_it_is_typed(command_line, words, pair, message):
    status, _, err = command_line(*words, pair)
    assert status == 2
    assert message in " ".join(err.split())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("emodb", "x", "--map", "hap=happiness"),
            "--map is not for corpus 'emodb', but for folder, csv and",
        ),
        (("folder", "x", "--column", "file=path"), "--column is not for corpus 'folder', but for csv and"),
        (("synth", "--speaker-pattern", "(x)"), "--speaker-pattern is not for corpus 'synth'"),
    ],
)
def test_an_option_of_other_corpora_is_refused_by_its_name(command_line, words, message):
    status, _, err = command_line("prepare", *words)
    assert status == 2
    assert message in " ".join(err.split())


def test_a_label_may_hold_a_comma_or_an_equals_sign():
    assert key_values("--map", "LABEL=EMOTION", ["a,b=anger", "a=b=fear"]) == {"a,b": "anger", "a=b": "fear"}
