import csv
import io
import re

import pytest
from reports.test_run import predictions

from sercli.evaluation import evaluate
from sercli.reports.metric_tables import COLUMNS, csv_rows, run_tables
from sercli.reports.tables import Table, escape_latex, to_csv, to_latex, to_markdown, to_text

EVIL = r"50 % & #1_a {b} ~ ^ \ $x$ | <i>"


def latex_problems(text):
    """Find what would stop LaTeX: open environments or braces, bare specials, rows of unequal length."""
    code = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
    problems, open_ = [], []
    for what, name in re.findall(r"\\(begin|end)\{(\w+)\}", code):
        if what == "begin":
            open_.append(name)
        elif not open_ or open_.pop() != name:
            problems.append(f"end of {name}")
    bare = re.sub(r"\\[&%$#_{}]", "", code)
    if bare.count("{") != bare.count("}") or open_:
        problems.append("braces or environments")
    if re.search(r"[%#_~^]", bare) or bare.count("$") % 2:
        problems.append("bare special")
    for columns, body in re.findall(r"\\begin\{tabular\}\{(\w+)\}(.*?)\\end\{tabular\}", bare, re.DOTALL):
        problems += [
            row for row in body.splitlines() if row.endswith(r"\\") and row.count("&") != len(columns) - 1
        ]
    return problems


def test_latex_prints_what_a_corpus_names_as_it_is():
    table = Table(EVIL, ("name", EVIL), (("[a]", "1.0 ± 0.2"), (EVIL, "−0.1")))
    text = to_latex(f"title\n{EVIL}", [EVIL, "two\nlines"], [table])
    assert latex_problems(text) == []
    assert (
        r"\caption{50 \% \& \#1\_a \{b\} \textasciitilde{} \textasciicircum{} \textbackslash{} \$x\$" in text
    )
    assert r"{[a]} & 1.0 $\pm$ 0.2 \\" in text
    assert text.count("\\toprule") == text.count("\\midrule") == text.count("\\bottomrule") == 1
    outside = [line for line in text.splitlines() if line.startswith(("two", "lines"))]
    assert outside == []


@pytest.mark.parametrize("bad", ["a & b \\\\", "100 %", "a_b", r"\begin{table}"])
def test_the_check_of_latex_finds_what_is_wrong(bad):
    good = to_latex("title", [], [Table("t", ("a",), (("b",),))])
    assert latex_problems(good) == []
    assert latex_problems(good.replace("\\midrule", f"\\midrule\n{bad}")) != []


def test_latex_characters_one_by_one():
    assert escape_latex("±–−") == r"$\pm$--$-$"
    assert escape_latex("a\N{NARROW NO-BREAK SPACE}%") == r"a\,\%"
    assert escape_latex("Žluťoučký") == "Žluťoučký"


def test_markdown_keeps_a_table_a_table():
    text = to_markdown("A | run", ["<b>"], [Table("t", ("a", "b"), (("x|y", "1"),))])
    assert r"# A \| run" in text
    assert r"\<b\>" in text
    assert text.endswith("| a | b |\n| :--- | ---: |\n| x\\|y | 1 |\n")


def test_csv_has_all_digits_and_nothing_for_nothing():
    assert to_csv(["a", "b"], [(1 / 3, None), (float("nan"), "x,y")]) == 'a,b\n0.3333333333333333,\n,"x,y"\n'


def test_the_tables_of_a_run_hold_its_metrics():
    evaluation = evaluate(predictions(classes=("anger", "fear_&", "calm")))
    tables = run_tables(evaluation)
    assert latex_problems(to_latex("A run", [], list(tables.values()))) == []
    assert {len(row) - len(table.header) for table in tables.values() for row in table.rows} == {0}
    assert tables["metrics"].rows[0][:2] == ("UA", "55.0")
    assert tables["metrics"].rows[0][-2:] == ("55.0 ± 32.6", "55.0")
    assert tables["class"].rows[2] == ("calm", "0", "–", "–", "–", "–")
    assert tables["confusion"].rows[0] == ("anger", "11 (55.0)", "9 (45.0)", "0 (0.0)")
    assert tables["speaker"].rows[3] == ("03", "female", "8", "25.0", "25.0", "worst")
    assert tables["gender"].rows == (("female", "5", "40", "55.0", "55.0"),)
    assert [tables[name].alignment for name in ("class", "speaker", "gender")] == [
        "lrrrrl",
        "llrrrl",
        "lrrrr",
    ]


def test_the_terminal_has_aligned_columns_and_continues_wide_tables_below():
    table = Table("A table", ("name", "one", "two"), (("a", "1", "10"), ("bcdef", "22", "3")))
    assert to_text(table) == "A table\nname   one  two\na        1   10\nbcdef   22    3"
    assert to_text(table, width=10) == (
        "A table\nname   one\na        1\nbcdef   22\n\nname   two\na       10\nbcdef    3"
    )


def test_columns_without_a_number_are_left_out():
    table = Table("t", ("name", "one", "two"), (("a", "–", "–"), ("b", "–", "3")))
    assert table.without_empty_columns("–").rows == (("a", "–"), ("b", "3"))


def test_the_csv_of_a_run_can_be_read_back():
    evaluation = evaluate(predictions())
    rows = list(csv.DictReader(io.StringIO(to_csv(COLUMNS, csv_rows(evaluation)))))
    first, ua = rows[0], evaluation.table.row("ua")
    assert (first["of"], first["figure"], float(first["value"])) == ("all", "UA", ua.value)
    assert (float(first["low"]), float(first["high"])) == (ua.interval.low, ua.interval.high)
    speakers = {
        row["name"]: float(row["value"]) for row in rows if (row["of"], row["figure"]) == ("speaker", "UA")
    }
    assert speakers == {
        row.name: row.value for row in evaluation.table.group("speaker") if row.metric == "ua"
    }
