"""What anybody may have written is read within seconds, or refused in one line."""

import csv
import io
import json
import math
import time

import pytest
import yaml

from sercli.config import parse_assignments, read_yaml
from sercli.errors import ConfigError
from sercli.plain import PlainError
from sercli.plain.csv import to_csv
from sercli.plain.json import from_json, to_json
from sercli.plain.yaml import from_yaml, to_yaml
from sercli.studies.reading import read_study


def _bomb(opening, closing, width=9, depth=9):
    lines = [f"a0: &a0 {opening('1', width)}"]
    lines += [f"a{k}: &a{k} {opening(f'*a{k - 1}', width)}" for k in range(1, depth)]
    return "\n".join([*lines, closing]) + "\n"


def _of_list(value, width):
    return "[" + ", ".join([value] * width) + "]"


def _of_mapping(value, width):
    return "{" + ", ".join(f"k{n}: {value}" for n in range(width)) + "}"


BAD_YAML = {
    "bomb of mappings": (_bomb(_of_mapping, "end: 1"), "more than 100000 values"),
    "bomb of lists": (_bomb(_of_list, "end: 1"), "more than 100000 values"),
    "bomb by merging": (
        _bomb(lambda value, _: f"{{<<: [{value}, {value}], k: 1}}".replace("[1, 1]", "{}"), "e: 1", depth=40),
        "more than 100000 values",
    ),
    "deep through aliases": (_bomb(lambda value, _: f"[{value}]", "end: 1", depth=40), "nested too deeply"),
    "alias of itself in a mapping": ("a: &a {b: *a}", r"the alias \*a is within its own anchor"),
    "alias of itself in a list": ("a: &a [1, [*a]]", r"the alias \*a is within its own anchor"),
    "alias of nothing": ("a: *b", r"the alias \*b has no anchor before it"),
    "impossible date": ("a: 2001-99-99", "'2001-99-99' is not a value of type !!timestamp"),
    "impossible time": ("a: 2001-01-01 99:99:99", "is not a value of type !!timestamp"),
    "long number": ("a: " + "9" * 5000, "not a value of type !!int|more than 64 bits"),
    "long hexadecimal number": ("a: 0x" + "f" * 5000, "more than 64 bits"),
    "long binary number": ("a: -0b" + "1" * 70, "more than 64 bits"),
    "float": ("a: !!float abc", "'abc' is not a value of type !!float"),
    "int": ("a: !!int abc", "'abc' is not a value of type !!int"),
    "int of nothing": ("a: !!int ''", "'' is not a value of type !!int"),
    "bool": ("a: !!bool abc", "'abc' is not a value of type !!bool"),
    "timestamp": ("a: !!timestamp abc", "'abc' is not a value of type !!timestamp"),
    "binary": ("a: !!binary abcd", "of type !!binary is not allowed"),
    "set": ("a: !!set {b, c}", "a collection of type !!set is not allowed"),
    "code": ("a: !!python/object/apply:os.system [ls]", "is not allowed"),
    "own tag": ("a: !model {b: 1}", "a collection of type !model is not allowed"),
    "infinity": ("a: .inf", "'.inf' is not a finite number"),
    "beyond floats": ("a: 1.0e+999", "is not a finite number"),
    "nan": ("a: [.nan]", "'.nan' is not a finite number"),
    "deep list": ("a: " + "[" * 900 + "]" * 900, "nested too deeply"),
    "deeper list": ("a: " + "[" * 100_000, "nested too deeply|maximum nesting depth"),
    "deep mapping": ("a: " + "{b: " * 900 + "1" + "}" * 900, "nested too deeply"),
    "deep dashes": ("- " * 900 + "1", "nested too deeply"),
    "two documents": ("a: 1\n---\nb: 2", "a second document begins here"),
    "key twice": ("a: 1\na: 2", "'a' occurs twice"),
    "key that is a list": ("? [a, b]\n: 1", "a key must be text"),
    "key that is an alias": ("a: &a b\n*a : 1", r"a key must be written in full, not as the alias \*a"),
    "anchor twice": ("a: &x 1\nb: &x 2", "two anchors are called &x"),
    "merging a number": ("a:\n  <<: 3", "copies the keys of a mapping"),
    "tab": ("a: 1\nb:\n\tc: 2\n", r"yaml:3: not valid YAML \(a tab where YAML needs blanks; replace"),
    "control character": ("a: ü\nb: 2\nc: \x00", r"yaml:3: not valid YAML \(the character U\+0000 is not"),
    "open bracket": ("a: [1", "not valid YAML"),
}


@pytest.mark.parametrize(("text", "message"), BAD_YAML.values(), ids=BAD_YAML)
def test_bad_yaml_is_one_line_within_seconds_wherever_it_is_read(text, message, tmp_path):
    file, started = tmp_path / "some.yaml", time.perf_counter()
    file.write_text(text, encoding="utf-8")
    for read in (read_yaml, read_study):
        with pytest.raises(ConfigError, match=message) as caught:
            read(file)
        assert str(caught.value).startswith(f"{file}:")
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 400 + len(str(file))
    assert time.perf_counter() - started < 3


@pytest.mark.parametrize(
    "value",
    ["2001-99-99", "!!float abc", "&a [*a]", "[" * 900, "9" * 5000, ".nan", "a: 1\n--- 2", "\ud800", "*x"],
)
def test_bad_yaml_in_a_setting_names_the_setting(value):
    with pytest.raises(ConfigError) as caught:
        parse_assignments([f"training.lr={value}"])
    assert str(caught.value).startswith("--set training.lr=")
    assert "\n" not in str(caught.value).replace(value, "")


def test_a_setting_of_a_thousand_parts_is_refused():
    with pytest.raises(ConfigError, match="the name has 1000 parts"):
        parse_assignments([".".join("a" * 1000) + "=1"])


@pytest.mark.parametrize(
    "text",
    [
        "a: {b: 1, c: [1.5, yes, ~, text, '3', 0x1F, 1000, 1e3, 1.0e+3]}\nd:\n  - {e: ''}\n",
        "base: &base {lr: 0.1, epochs: 3}\nown: {<<: *base, lr: 0.2}\nboth: {<<: [{a: 1}, *base], c: 2}\n",
        "one: &one [1, 2]\nagain: [*one, *one]\n",
        "text: |\n  two\n  lines\nfolded: >\n  one\n  line\n",
    ],
)
def test_yaml_of_plain_types_is_read_as_pyyaml_reads_it(text):
    assert from_yaml(text).value == yaml.safe_load(text)


def test_keys_and_dates_are_text_as_they_are_spelled():
    assert from_yaml("on: 2001-02-03\n1: no\n").value == {"on": "2001-02-03", "1": False}


def test_the_lines_of_keys_and_items_are_known():
    parsed = from_yaml("a:\n  - 1\n  - b: 2\n    c: 3\n")
    assert (parsed.lines["a",], parsed.lines["a", 1], parsed.lines["a", 1, "c"]) == (1, 3, 4)


def test_nothing_is_nothing():
    assert from_yaml("").value is None
    assert from_yaml("# a comment\n").value is None


def test_what_is_written_as_yaml_is_read_again():
    value = {"b": [1, 2.5, True, None, "on", "2001-01-01", "1e5", "ä"], "a": {"lr": 1e-6}}
    again = from_yaml(to_yaml(value)).value
    assert again == value
    assert list(again) == ["b", "a"]


BAD_JSON = {
    "deep list": ("[" * 100_000 + "]" * 100_000, "nested too deeply"),
    "deep mapping": ('{"a":' * 100_000 + "1" + "}" * 100_000, "nested too deeply"),
    "rather deep": ("[" * 65 + "]" * 65, "nested too deeply"),
    "long number": ("9" * 5000, "5000 digits has more than 64 bits"),
    "number of 300 digits": ('{"a": -' + "9" * 300 + "}", "more than 64 bits"),
    "number of 65 bits": (str(1 << 64), "20 digits has more than 64 bits"),
    "NaN": ('{"a": NaN}', "NaN is not a number"),
    "infinity": ("[-Infinity]", "-Infinity is not a number"),
    "beyond floats": ("1e999", "1e999 is beyond the largest number"),
    "cut short": ('{"a": [1, 2', "delimiter"),
    "no text": (b'{"a": "\xff"}', "not UTF-8 text"),
    "nothing": ("", "it is empty"),
    "blanks": (b" \n", "it is empty"),
}


@pytest.mark.parametrize(("text", "message"), BAD_JSON.values(), ids=BAD_JSON)
def test_bad_json_is_refused(text, message):
    with pytest.raises(PlainError, match=message):
        from_json(text)


def test_json_of_plain_types_is_read_as_python_reads_it():
    text = '{"a": [1, -2.5e3, true, null, "\\u00e4"], "b": ' + "[" * 60 + "]" * 60 + "}"
    assert from_json(text) == json.loads(text)
    assert from_json(text.encode()) == json.loads(text)


def test_numbers_of_other_tools_are_left_to_their_reader():
    assert math.isnan(from_json("[NaN]", strict=False)[0])
    assert from_json("1" * 30, strict=False) == int("1" * 30)
    with pytest.raises(PlainError):
        from_json("1" * 5000, strict=False)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_json_is_written_with_what_is_no_number(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json({"a": [value]})


def test_csv_quotes_each_cell_that_would_break_its_line():
    rows = [["one\rtwo", "a\nb", "c\r\nd"], ['say "x"', "a,b", "plain"], ["", "1", "\r"]]
    text = to_csv(rows)
    assert list(csv.reader(io.StringIO(text, newline=""), strict=True)) == rows
    assert to_csv([["a", None, 1.5]]) == "a,,1.5\n"
