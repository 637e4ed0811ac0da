from typing import ClassVar, Self

import pytest
from pydantic import Field, model_validator

from sercli.config import Config, digest, merge, parse_assignments, read_yaml, spell
from sercli.errors import ConfigError


class Window(Config):
    window_ms: float = 25.0
    hop_ms: float = 10.0

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.hop_ms > self.window_ms:
            raise ValueError("the hop is longer than the window")
        return self


class Whole(Config):
    window: Window = Window()
    name: str = "x"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"windw_ms": 3}, "unknown setting 'windw_ms'; did you mean window_ms?"),
        ({"colour": 3}, "unknown setting 'colour'; use window_ms, hop_ms"),
        ({"window_ms": "wide"}, "window_ms: input should be a valid number"),
        ({"hop_ms": 30}, "the hop is longer than the window"),
        ({"window_ms": float("nan")}, "window_ms: input should be a finite number"),
    ],
)
def test_a_wrong_setting_says_what_would_be_right(settings, message):
    with pytest.raises(ConfigError) as caught:
        Window(**settings)
    assert str(caught.value).startswith(message)


def test_a_number_out_of_its_range_is_reported_with_both_bounds():
    class Limited(Config):
        share: float = Field(0.5, gt=0.15, lt=1)
        count: int | None = Field(None, ge=1, le=65_536)
        rate: float = Field(1.0, gt=0)

    wrong = {"share": 2, "count": 0, "rate": 0}
    facts = [
        "share: input should be greater than 0.15 and less than 1, got 2",
        "count: input should be greater than or equal to 1 and less than or equal to 65536, got 0",
        "rate: input should be greater than 0, got 0",
    ]
    with pytest.raises(ConfigError) as caught:
        Limited(**wrong)
    assert str(caught.value) == "; ".join(facts)


def test_a_wrong_setting_inside_another_says_where():
    with pytest.raises(ConfigError, match=r"window"):
        Whole(window={"hop": 3})
    with pytest.raises(ConfigError, match=r"did you mean hop_ms\?"):
        Whole(window={"hop": 3})


def test_many_wrong_settings_are_counted():
    with pytest.raises(ConfigError) as caught:
        Window(**{f"k{i}": 1 for i in range(1000)})
    assert str(caught.value).count("unknown setting") == 3
    assert str(caught.value).endswith("unknown setting 'k2'; use window_ms, hop_ms; and 997 more")
    with pytest.raises(ConfigError, match=r"^unknown setting 'k{77}\.\.\.'; use window_ms, hop_ms$"):
        Window(**{"k" * 3000: 1})


def test_the_digest_hangs_on_every_value_and_on_no_order():
    assert Window().digest == Window(hop_ms=10, window_ms=25).digest
    assert Window().digest != Window(hop_ms=11).digest
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})


def test_a_setting_added_later_changes_no_digest_at_its_neutral_value():
    class Later(Window):
        neutral: ClassVar = {"taper": False}
        taper: bool = False

    assert Later().digest == Window().digest
    assert Later(taper=True).digest != Window().digest
    assert Later().to_dict() == Window().to_dict() | {"taper": False}
    assert Later().deciding() == Window().to_dict()


def test_assignments_are_yaml_under_dotted_keys():
    given = parse_assignments(["a.b=3", "a.c=[1, 2]", "d=off", "a.b=3"])
    assert given == {"a": {"b": 3, "c": [1, 2]}, "d": False}
    with pytest.raises(ConfigError, match=r"a\.b is set to 3 and to 4; give it one value"):
        parse_assignments(["a.b=3", "d=off", "a.b=4"])
    with pytest.raises(ConfigError, match="--set novalue: write it as KEY=VALUE, for example features"):
        parse_assignments(["novalue"])
    with pytest.raises(ConfigError, match="--own novalue: write it as KEY=VALUE, for example x=1"):
        parse_assignments(["novalue"], "--own", "x=1")


def test_merging_goes_into_mappings_and_replaces_the_rest():
    assert merge({"a": {"b": 1, "c": 2}, "d": [1]}, {"a": {"b": 3}, "d": [2]}) == {
        "a": {"b": 3, "c": 2},
        "d": [2],
    }


@pytest.mark.parametrize("text", ["a: [1", "- 1\n- 2\n"])
def test_what_is_no_yaml_mapping_is_one_line(tmp_path, text):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_yaml(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("", r"the file is empty; write settings into it as 'key: value'"),
        ("# arch: mdcnn\n", "the file is empty"),
        ("[arch, mdcnn]", r"expected settings as 'key: value', found \[\"arch\", \"mdcnn\"\]"),
    ],
)
def test_settings_that_are_no_mapping_are_named(tmp_path, text, fact):
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(ConfigError, match=rf"c\.yaml: {fact}"):
        read_yaml(tmp_path / "c.yaml")


class _Numbers(Config):
    rate: float = 1.0
    size: int | None = None
    sizes: tuple[int, ...] = ()
    wide: bool = False
    either: bool | float = 1.0


@pytest.mark.parametrize(
    "settings", [{"rate": True}, {"size": False}, {"sizes": [4, True]}, {"rate": [True]}]
)
def test_true_and_false_are_no_numbers(settings):
    with pytest.raises(ConfigError, match="a number is needed, got "):
        _Numbers(**settings)


def test_true_and_false_are_taken_where_they_are_meant():
    found = _Numbers(wide=True, either=False)
    assert (found.wide, found.either) == (True, False)


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "null"), (True, "true"), ([1, 2], "[1, 2]"), ("last", "last"), (0.5, "0.5")],
)
def test_values_are_spelled_as_the_command_line_takes_them(value, text):
    assert spell(value) == text
    assert parse_assignments([f"a={text}"]) == {"a": value}


@pytest.mark.parametrize("text", ["1:30", "01:02:03", "1:30.5", "010", "-007", "0_7", "1_0"])
def test_numbers_of_base_60_or_8_and_with_underscores_are_text(text):
    assert parse_assignments([f"a={text}"]) == {"a": text}


@pytest.mark.parametrize(("text", "number"), [("010", 10), ("1_0", 10), ("0", 0), ("0x10", 16)])
def test_a_setting_reads_such_a_text_as_people_do(text, number):
    assert _Numbers(**parse_assignments([f"size={text}"])).size == number
