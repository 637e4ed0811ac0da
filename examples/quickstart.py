"""From a corpus to metrics in a dozen lines, on the embedded synthetic corpus.

python examples/quickstart.py
"""

import tempfile

from sercli.preparation import prepare
from sercli.reports.run import report_run, write_report
from sercli.training import train
from sercli.workspace import Workspace

with tempfile.TemporaryDirectory() as folder:
    workspace = Workspace(folder)
    prepare("synth", None, workspace)
    run = train(
        workspace,
        arch="mdcnn",
        corpus="synth",
        folds="1-2",
        settings=[
            "model.filters=16",
            "model.blocks=2",
            "model.attention=false",
            "training.max_epochs=3",
            "training.lr=0.003",
        ],
    )
    report = report_run(run)
    ua, wa = (report.evaluation.table.row(key).value for key in ("ua", "wa"))
    print(f"UA {100 * ua:.1f} %, WA {100 * wa:.1f} %")
    print(f"report {write_report(report).name}")
