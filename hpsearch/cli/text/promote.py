"""The answer of `hpsearch promote`."""

from hpsearch.cli.text.layout import wrapped
from hpsearch.tracking.model_version import Model, Registered


def text(done: Registered, model: Model) -> str:
    new = ": registered" if done.is_new else " is this model already; nothing was registered"
    lines = [
        f"{done.name}, version {done.version}{new}",
        f"  trial {model.trial.number} of {model.study.name}, {model.result}: {model.why}",
        f"  {model.params}",
        f"  it has the state of: {', '.join(model.about['objects'])}",
        *([f"  alias {done.alias}: models:/{done.name}@{done.alias}"] if done.alias else []),
    ]
    code = ["", "load it in Python, after `import mlflow, torch`:", *(f"  {line}" for line in done.load)]
    return "\n".join([wrapped("\n".join(lines)), *code])
