"""Sentences are for people: no code compares, searches or cuts one (DESIGN, "Sentences are for people")."""

import ast
from collections.abc import Iterator

import pytest

from tests.test_architecture import sources

SENTENCES = {"reason", "summary", "says", "note", "stopped", "over", "why", "headline", "sentence"}
"""What variables and fields are called that hold a sentence for people."""

SENTENCE_FIELDS = SENTENCES | {"problem"}
"""A variable `problem` is an exception."""

SEARCHES = {
    *("startswith", "endswith", "removeprefix", "removesuffix", "find", "rfind", "index", "rindex", "count"),
    *("partition", "rpartition", "split", "rsplit", "splitlines", "replace", "lower", "upper", "strip"),
}
READERS = {
    "hpsearch/journal/sentences_of_0004.py": "what earlier versions wrote, for the migration",
    "hpsearch/tracking/connection.py": "`reason` of an ssl.SSLError is a code of OpenSSL",
}


def is_sentence(node: ast.AST, names: set[str]) -> bool:
    match node:
        case ast.Name(id=name):
            return name in names
        case ast.Attribute(attr=name) | ast.Subscript(slice=ast.Constant(value=name)) if name in SENTENCE_FIELDS:
            return True
        case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value=name), *_]):
            return name in SENTENCE_FIELDS
        case ast.Call(func=ast.Attribute(value=inner, attr=method)) if method in SEARCHES:
            return is_sentence(inner, names)
        case ast.Subscript(value=inner) | ast.NamedExpr(value=inner):
            return is_sentence(inner, names)
        case ast.BoolOp(values=parts):
            return any(is_sentence(part, names) for part in parts)
    return False


def reads_of_sentences(tree: ast.AST) -> Iterator[str]:
    """Where a sentence is compared, searched or cut; a name that is given a sentence is one as well."""
    names = set(SENTENCES)
    for node in ast.walk(tree):
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.NamedExpr(target=ast.Name(id=name), value=value)
            ) if is_sentence(value, names):
                names.add(name)
    for node in ast.walk(tree):
        read: list[ast.AST] = []
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="re")), args=args):
                read = list(args)
            case ast.Call(func=ast.Attribute(value=inner, attr=method)) if method in SEARCHES:
                read = [inner]
            case ast.Compare(left=left, ops=ops, comparators=others):
                pairs = zip([left, *others], ops, others, strict=False)
                read = [
                    side
                    for first, operator, second in pairs
                    if isinstance(operator, ast.Eq | ast.NotEq | ast.In | ast.NotIn)
                    for side in (first, second)
                ]
            case ast.Match(subject=subject):
                read = [subject]
            case ast.Subscript(value=ast.Name(id=table), slice=key) if table.isupper():
                read = [key]
        if any(is_sentence(one, names) for one in read):
            yield f"{getattr(node, 'lineno', '')}: {ast.unparse(node).splitlines()[0]}"


def test_no_code_reads_a_sentence() -> None:
    """`Cause` and its numbers say the same to code; a first line is cut by `core.format.first_line` alone."""
    found = [
        f"{file}:{read}"
        for file, tree in sources("hpsearch", "trainers").items()
        if file not in READERS
        for read in reads_of_sentences(tree)
    ]
    assert found == []


@pytest.mark.parametrize(
    "code",
    [
        'trial.state is State.PRUNED and trial.reason.startswith("diverged")',
        "trial.reason.startswith(OUT_OF_MEMORY)",
        "if reason.startswith(OUT_OF_MEMORY): pass",
        "OUT in trial.reason",
        "now.summary in self.trial.reason",
        "one.reason == over",
        "any(one.reason == over for one in decisions)",
        'documents.get("rounds", {}).get("over") != over',
        'told["over"] == "the budget is spent"',
        "found.reason.partition(' from ')[2]",
        'note if note.startswith("round ") else f"  {note}"',
        're.match(r"diverged: .*", trial.reason)',
        're.search("memory", lost.reason, re.IGNORECASE)',
        'trial.reason.lower().find("memory") >= 0',
        'trial.reason[:8] == "diverged"',
        'text = trial.reason or ""\nif "diverged" in text: pass',
        'if (stopped := loop.end.stopped) and "limits." in stopped: pass',
        'match trial.reason:\n    case "diverged": pass',
        "CAUSES[trial.reason]",
        'reading.problem == "too early to say"',
        'trial.reason in ("diverged", "pruned")',
        'trial.reason.partition("\\n")[0]',
    ],
)
def test_a_read_of_a_sentence_is_noticed(code: str) -> None:
    assert list(reads_of_sentences(ast.parse(code))) != []


@pytest.mark.parametrize(
    "code",
    [
        "trial.cause is Cause.DIVERGED",
        'f"{trial.reason}; goes on from epoch {trial.epoch}"',
        "why = trial.reason or 'it is under way'",
        "first_line(trial.reason)",
        "if loop.end.stopped: pass",
        'one.kind == "over"',
        "isinstance(problem, OSError) and problem.errno in DISK_ERRORS",
    ],
)
def test_to_show_a_sentence_is_no_read_of_it(code: str) -> None:
    assert list(reads_of_sentences(ast.parse(code))) == []
