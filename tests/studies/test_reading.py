"""Studies of one's own: what is refused, and where it stands."""

import pytest

from sercli.errors import ConfigError, SerError
from sercli.studies import PaperScore, get_study

GOOD = """\
title: Mine
arch: mdcnn
on: [emodb-4]
rows:
  - name: small
    set: {model.filters: 8}
    paper: {emodb-4: {ua: 60}}
  - name: smaller
    from: small
    set:
      model.blocks: 1
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write_(text, name="my-study.yaml"):
        (tmp_path / name).write_text(text)
        return name

    return write_


def test_rows_state_only_their_difference(write):
    study = get_study(write(GOOD))
    assert (study.name, study.source, study.columns) == ("my-study", "own", ("emodb-4",))
    first, second = study.cells()
    assert first.paper == {"ua": PaperScore(60.0)}
    assert second.row.own == (("model.blocks", 1),)
    assert second.paper == {}
    assert second.settings == {
        "arch": "mdcnn",
        "corpus": "emodb",
        "scheme": "emodb-4",
        "protocol": "leave-one-speaker-out@1",
        "model": {"filters": 8, "blocks": 1},
    }


def test_a_value_gives_a_row_and_several_settings_their_product(write):
    text = "title: T\narch: eca\non: [emodb-4]\nvary:\n  model.n: [1, 2]\n  features.window_ms: {v1: 15}\n"
    study = get_study(write(text))
    assert [row.name for row in study.rows] == ["n 1, v1", "n 2, v1"]
    assert study.rows[1].varied == {"model.n": "2", "features.window_ms": "v1"}
    assert study.cells()[1].settings["features"] == {"window_ms": 15}


def test_a_setting_has_one_value_in_each_of_its_spellings(write):
    long, short = "features.x.window_ms", "features.window_ms"
    head = f"title: T\narch: mdcnn\non: [emodb-4]\nset: {{{short}: 24}}\nrows:\n"
    rows = f"  - {{name: a, set: {{{long}: 20}}}}\n  - {{name: b, from: a, set: {{{short}: 15}}}}\n"
    cells = get_study(write(head + rows)).cells()
    assert [cell.settings["features"] for cell in cells] == [{"window_ms": 20}, {"window_ms": 15}]
    with pytest.raises(ConfigError, match=r"^features.window_ms is set to 20 and to 15; give it one value$"):
        get_study("my-study.yaml").cells(changes=[(long, 20), (short, 15)])


@pytest.mark.parametrize(
    "change",
    [
        ("features.window_ms", 30),
        ("features.x.window_ms", 30),
        ("features", {"window_ms": 30}),
        ("features", {"x": {"window_ms": 30}}),
    ],
)
def test_a_change_of_a_varied_setting_is_refused_in_each_of_its_spellings(write, change):
    study = get_study(write("title: T\narch: mdcnn\non: [emodb-4]\nvary: {features.window_ms: [20, 25]}\n"))
    with pytest.raises(ConfigError, match=r"the study varies features.window_ms, and row 'window_ms 20'"):
        study.cells(changes=[change])
    assert len(study.cells(changes=[("features.hop_ms", 5)])) == 2


def test_settings_of_a_column_do_not_replace_a_varied_one(write):
    head = "title: T\narch: mdcnn\non: [emodb-4]\nrows:\n"
    row = "  - name: rate\n    vary: {training.lr: [1e-3, 1e-2]}\n    set_on:\n"
    message = r"^my-study.yaml:8: set_on emodb-4 sets training.lr, but row 'rate, lr 1e-3' varies training.lr"
    with pytest.raises(ConfigError, match=message):
        get_study(write(f"{head}{row}      emodb-4: {{training.lr: 5e-4}}\n"))
    study = get_study(write(f"{head}{row}      emodb-4: {{training.max_epochs: 5}}\n"))
    assert [cell.settings["training"]["max_epochs"] for cell in study.cells()] == [5, 5]


def test_a_name_is_what_the_file_has_also_if_it_is_a_number(write):
    rows = (
        "  - {name: 016, paper: {emodb-4: {ua: 60}}}\n  - {name: &tenth 0.10, paper: {emodb-4: {ua: 61}}}\n"
    )
    text = f"title: 1.50\narch: mdcnn\non: [emodb-4]\nrows:\n{rows}  - {{name: c, from: *tenth}}\n"
    study = get_study(write(f"{text}confusion: [016, 0.10]\n"))
    assert (study.title, [row.name for row in study.rows]) == ("1.50", ["016", "0.10", "c"])
    assert [cell.paper["ua"].value for cell in study.cells()[:2]] == [60, 61]
    assert (study.rows[2].parent, study.display.confusion) == ("0.10", ("016", "0.10"))


def test_the_corpora_of_a_column_may_be_in_any_order(write):
    text = (
        "title: T\narch: mdcnn\non: ['ravdess+emodb/common-4:speaker-3-fold']\nrows:\n"
        "  - name: a\n    set_on: {ravdess+emodb/common-4: {training.max_epochs: 5}}\n"
        "    paper: {ravdess + emodb/common-4: {ua: 60}}\n"
        "references: {Others: {ravdess+emodb/common-4: {ua: 61}}}\n"
    )
    study = get_study(write(text))
    (cell,) = study.cells()
    assert cell.on.name == "emodb+ravdess/common-4"
    assert (cell.settings["training"], cell.paper) == ({"max_epochs": 5}, {"ua": PaperScore(60.0)})
    assert study.references == {"Others": {cell.on.name: {"ua": PaperScore(61.0)}}}
    for on in ("ravdess+emodb", "ravdess+emodb/common-4", "emodb+ravdess"):
        assert study.cells(on=[on]) == (cell,)
    for key, again in (("set_on: {", "{training.lr: 0.1}"), ("paper: {", "{ua: 62}")):
        twice = text.replace(key, f"{key}emodb+ravdess/common-4: {again}, ")
        with pytest.raises(ConfigError, match=r"column 'emodb\+ravdess/common-4' occurs twice$"):
            get_study(write(twice))


def test_the_remedy_for_a_file_without_a_corpus_names_the_file(write, tmp_path):
    (tmp_path / "mine.yaml").write_text("classes: anger,neutral\n")
    with pytest.raises(
        ConfigError, match=r"^my-study\.yaml:3: scheme 'mine\.yaml' .* write CORPUS/mine\.yaml$"
    ):
        get_study(write(GOOD.replace("[emodb-4]", "[mine.yaml]")))
    with pytest.raises(ConfigError, match=r"is for any corpus; add 'corpus: CORPUS'$"):
        get_study(write(GOOD.replace("[emodb-4]", "[{scheme: mine.yaml}]")))


@pytest.mark.parametrize("on", ["emodb-4:lists:folds.csv", "{scheme: emodb-4, protocol: 'lists:folds.csv'}"])
def test_lists_of_folds_are_relative_to_the_study(write, tmp_path, on):
    (tmp_path / "inner").mkdir()
    file = tmp_path / "inner" / "folds.csv"
    file.write_text("id,fold,part\na,1,test\n")
    study = get_study(write(GOOD.replace("on: [emodb-4]", f"on: [{on}]"), "inner/my-study.yaml"))
    assert study.cells()[0].on.protocol.startswith(f"lists:{file}#")
    (other,) = study.cells(study.rows[:1], on=["emodb-4:lists:inner/folds.csv"])  # from the command line
    assert other.on.protocol == study.cells()[0].on.protocol


@pytest.mark.parametrize(("old", "line"), [("title: Mine", 1), ("name: small", 5)])
@pytest.mark.parametrize("text", ["on", "no"])
def test_a_truth_value_in_place_of_a_text_is_refused_as_it_is_written(write, old, line, text):
    key = old.partition(":")[0]
    message = rf'^my-study\.yaml:{line}: {key}: write a text, not \w+; YAML reads {text} .*; write "{text}"$'
    with pytest.raises(ConfigError, match=message):
        get_study(write(GOOD.replace(old, f"{key}: {text}", 1)))


def test_too_many_rows_are_refused_before_they_are_read(write, monkeypatch):
    monkeypatch.setattr("sercli.studies._rows._MOST_CELLS", 2)
    rows = "".join(f"  - {{name: r{i}, arch: nothing}}\n" for i in range(3))
    with pytest.raises(ConfigError, match=r"^my-study\.yaml:6: more than 2 cells; have fewer rows, or vary"):
        get_study(write(f"title: T\non: [emodb-4]\nrows:\n{rows}"))


def test_an_empty_file_is_no_study(write):
    with pytest.raises(ConfigError, match=r"^my-study\.yaml:1: the file is empty, a study is needed"):
        get_study(write("# nothing\n"))


def test_rows_are_chosen_by_name_part_and_number(write):
    study = get_study(write(GOOD))
    assert [row.name for row in study.choose_rows(["2"])] == ["smaller"]
    assert [row.name for row in study.choose_rows(["small"])] == ["small"]
    assert [row.name for row in study.choose_rows(["aller"])] == ["smaller"]
    assert [row.name for row in study.choose_rows(["1-2"])] == ["small", "smaller"]
    with pytest.raises(ConfigError, match="my-study has rows 1 to 2"):
        study.choose_rows(["3"])
    with pytest.raises(ConfigError, match="'mall' fits small; smaller"):
        study.choose_rows(["mall"])
    with pytest.raises(SerError, match="has no 'large'"):
        study.choose_rows(["large"])


def test_a_column_may_have_a_scheme_of_ones_own(write, tmp_path):
    write("classes: {joy: [happiness, excitement], anger: anger}\n", "own.yaml")
    classes = "{classes: 'anger,happiness+excitement=joy'}"
    on = f"[emodb/own.yaml, {{name: typed, corpus: emodb, scheme: {classes}}}]"
    text = GOOD.replace("[emodb-4]", on).replace("    paper: {emodb-4: {ua: 60}}\n", "")
    first, second = get_study(str(tmp_path / write(text))).cells()[:2]
    assert first.on.choice == second.on.choice
    assert (first.on.name, second.on.name) == (f"emodb/{first.on.scheme}", "typed")
    assert first.settings["scheme"]["classes"] == {"anger": ["anger"], "joy": ["excitement", "happiness"]}
    (chosen, _) = get_study(write(GOOD)).cells(on=["emodb/own.yaml:speaker-5-fold+unknown-train"])
    assert chosen.on.choice == first.on.choice
    assert chosen.on.protocol == "speaker-5-fold+unknown-train@1"


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("emodb/no.yaml", r"my-study\.yaml:3: no\.yaml: No such file"),
        ("{corpus: emodb, scheme: {clases: x}}", r"my-study\.yaml:3: scheme: a scheme has no 'clases'"),
        ("{scheme: {classes: 'a,b'}}", r"my-study\.yaml:3: scheme 'a-b-\w+' is for any corpus"),
    ],
)
def test_a_wrong_scheme_of_ones_own_is_named_with_its_line(write, column, message):
    text = GOOD.replace("[emodb-4]", f"[{column}]").replace("    paper: {emodb-4: {ua: 60}}\n", "")
    with pytest.raises(ConfigError, match=message):
        get_study(write(text))


def test_columns_are_chosen_by_name_or_corpus_and_others_may_be_added(write):
    study = get_study(write(GOOD))
    assert [cell.on.scheme for cell in study.cells(on=["emodb"])] == ["emodb-4"] * 2
    (cell, _) = study.cells(on=["ravdess-4:leave-one-speaker-out"])
    assert (cell.on.corpus, cell.on.protocol, dict(cell.paper)) == (
        "ravdess",
        "leave-one-speaker-out@1",
        {},
    )
    with pytest.raises(SerError, match=r"--on emdb: .*did you mean emodb.*; the study has emodb-4"):
        study.cells(on=["emdb"])


def test_a_scheme_under_two_protocols_makes_two_columns(write):
    study = get_study(write(GOOD))
    cells = study.cells(on=["ravdess-4:random-5-fold", "ravdess-4:leave-one-speaker-out"])
    assert [cell.on.name for cell in cells[:2]] == ["ravdess-4", "ravdess-4, leave-one-speaker-out"]


def test_a_column_s_name_goes_before_a_corpus_of_that_name(write):
    columns = (
        "on:\n  - {name: emodb, scheme: emodb-4}\n"
        "  - {name: emodb random, scheme: emodb-4, protocol: random-5-fold}\n"
        "  - {name: three, scheme: emodb-7}\n"
    )
    study = get_study(write(f"title: T\narch: eca\n{columns}rows:\n  - {{name: a}}\n"))
    assert [cell.on.name for cell in study.cells(on=["emodb"])] == ["emodb"]
    assert [cell.on.name for cell in study.cells(on=["emodb random"])] == ["emodb random"]
    other = get_study(
        write(
            f"title: T\narch: eca\n{columns.replace('name: emodb,', 'name: first,')}rows:\n  - {{name: a}}\n"
        )
    )
    assert [cell.on.name for cell in other.cells(on=["emodb"])] == ["first", "emodb random", "three"]


def test_augment_alone_replaces_and_with_a_name_adds(write):
    text = (
        "title: T\narch: diccoser\non: [emodb-4]\nrows:\n"
        "  - {name: a, set: {augment: {flip: {}, gain: {}}}}\n"
        "  - {name: b, from: a, set: {augment.flip.p: 0.2}}\n"
        "  - {name: c, from: b, set: {augment: {}}}\n"
    )
    found = [cell.settings["augment"] for cell in get_study(write(text)).cells()]
    assert found == [{"flip": {}, "gain": {}}, {"flip": {"p": 0.2}, "gain": {}}, {}]


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("title: Mine", "titel: Mine", 1, "unknown key 'titel' of a study; did you mean title?"),
        ("arch: mdcnn", "arch: mdcn", 2, "the list of architectures has no 'mdcn'; did you mean mdcnn"),
        ("on: [emodb-4]", "on: [emodb4]", 3, "is called 'emodb4' .*; did you mean emodb-4"),
        ("on: [emodb-4]", "on: [mine]", 3, "for a corpus of your own, write mine/every-emotion"),
        ("on: [emodb-4]", "on: [calls]", 3, r"write calls/every-emotion\)$"),
        ("on: [emodb-4]", "on: [every-emotion]", 3, "write CORPUS/every-emotion"),
        ("on: [emodb-4]", "on: [emodb-4, emodb-4]", 3, "two columns are called 'emodb-4'"),
        ("on: [emodb-4]", "on: emodb-4", 3, "on: write a list, not 'emodb-4'"),
        ("on: [emodb-4]", "on: ['emodb-4:speaker-fold']", 3, "has no 'speaker-fold'"),
        ("model.filters: 8", "model.filter: 8", 6, "unknown setting 'filter'; did you mean filters"),
        ("model.filters: 8", "modl.filters: 8", 6, "settings has no 'modl'; did you mean model?"),
        ("model.filters: 8", "model.filters: many", 6, "filters: .*got 'many'"),
        ("ua: 60", "uaa: 60", 7, "unknown key 'uaa' of scores; did you mean ua"),
        ("ua: 60", "ua: 160", 7, "out of range; write it in per cent"),
        ("ua: 60", "ua: 0.6", 7, "looks like a fraction; write it in per cent"),
        ("ua: 60", "ccc_arousal: 60", 7, "out of range; write it plain"),
        ("ua: 60", "ua: high", 7, "a score is a number, or ~ and a number if it is derived, not 'high'"),
        ("{emodb-4: {", "{emodb-7: {", 7, "on has no 'emodb-7'; did you mean emodb-4"),
        ("- name: smaller", "- name: small", 8, "two rows are called 'small'"),
        ("from: small", "from: smal", 9, "rows has no 'smal'; did you mean small"),
        ("from: small", "from: smaller", 9, "rows in a circle: smaller from smaller"),
        ("from: small", "form: small", 9, "unknown key 'form' of a row; did you mean from"),
        ("model.blocks: 1", "model.blocks: -1", 11, "row 'smaller', on emodb-4: model: blocks"),
        ("model.blocks: 1", "model.blocks: [1", 12, "not valid YAML"),
        ("      model.blocks: 1", "      model.blocks: 1\n      model.blocks: 2", 12, "occurs twice"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(write, old, new, line, message):
    assert GOOD.count(old) >= 1
    with pytest.raises(ConfigError, match=message) as told:
        get_study(write(GOOD.replace(old, new, 1)))
    assert str(told.value).startswith(f"my-study.yaml:{line}: ")


def test_a_wrong_value_that_another_row_brought_is_told_where_it_stands(write):
    text = GOOD.replace("model.blocks: 1", "features.window_ms: 40")
    with pytest.raises(
        ConfigError, match=r"^my-study.yaml:11: row 'smaller', .*n_fft=512 is shorter than the window"
    ):
        get_study(write(text))


def test_a_study_without_figures_is_refused(write):
    text = GOOD.replace("on: [emodb-4]\n", "on: [{scheme: emodb-4, protocol: train-on-all}]\n")
    with pytest.raises(
        ConfigError, match=r"^my-study.yaml:5: row 'small', .*the protocol tests nothing, so there is no"
    ):
        get_study(write(text))
    study = get_study(write(GOOD))
    for options in ({"on": ["ravdess:train-on-all"]}, {"changes": [("protocol", "train-on-all")]}):
        with pytest.raises(ConfigError, match="the protocol tests nothing"):
            study.cells(**options)


def test_a_circle_of_two_is_found(write):
    text = "title: T\narch: mdcnn\non: [emodb-4]\nrows:\n  - {name: a, from: b}\n  - {name: b, from: a}\n"
    with pytest.raises(ConfigError, match=r":6: rows in a circle: a from b from a"):
        get_study(write(text))


@pytest.mark.parametrize(
    "text", ["", "- a", "title: T", "title: T\non: [emodb-4]\n", "title: [", "{? [a] : b}"]
)
def test_what_is_no_study_is_refused(write, text):
    with pytest.raises(ConfigError, match=r"^my-study.yaml:\d+: "):
        get_study(write(text))


def test_a_missing_file_and_an_unknown_name_are_told():
    with pytest.raises(ConfigError, match=r"none.yaml: no such file"):
        get_study("none.yaml")
    with pytest.raises(SerError, match=r"has no 'mdcn'; did you mean .*mdcnn"):
        get_study("mdcn")


def test_rows_that_can_t_be_trained_on_a_corpus_are_told(write):
    study = get_study(write(GOOD))
    with pytest.raises(ConfigError, match="--on recola/arousal-valence: none of these rows"):
        study.cells(on=["recola/arousal-valence"])
