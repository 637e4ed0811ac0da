"""From a corpus to metrics in a dozen lines, on the embedded synthetic corpus.

python examples/quickstart.py
"""

import tempfile

import sercli

with tempfile.TemporaryDirectory() as folder:
    workspace = sercli.Workspace(folder)
    sercli.prepare("synth", None, workspace)
    run = sercli.train(
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
    report = sercli.report_run(run)
    ua, wa = (report.evaluation.table.row(key).value for key in ("ua", "wa"))
    print(f"UA {100 * ua:.1f} %, WA {100 * wa:.1f} %")
    print(f"report {sercli.write_report(report).name}")
