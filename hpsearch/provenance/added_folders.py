"""The folders that a source file adds to sys.path, such as `sys.path.append(Path(__file__).parent / "lib")`."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

SAME = {"abspath", "realpath", "normpath", "expanduser", "fspath", "str", "Path", "resolve", "absolute", "as_posix"}
"""Functions and methods whose result is the same folder."""


def added_folders(path: Path) -> Iterator[tuple[Path, bool]]:
    """The existing ones, and whether each is searched before all others. No folders if the file is not Python."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return
    values = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="path"), attr="append"), args=[added]):
                found, first = [added], False
            case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="path"), attr="insert"), args=[_, added]):
                found, first = [added], True
            case ast.Call(
                func=ast.Attribute(value=ast.Attribute(attr="path"), attr="extend"), args=[ast.List() as all_]
            ):
                found, first = all_.elts, False
            case ast.Call(func=ast.Attribute(attr="addsitedir"), args=[added, *_]):
                found, first = [added], False
            case _:
                continue
        for one in found:
            text = _text(one, path, values)
            folder = None if text is None else path.parent / Path(text).expanduser()
            if folder is not None and folder.is_dir():
                yield folder.resolve(), first


def _text(node: ast.expr, file: Path, values: Mapping[str, ast.expr]) -> str | None:
    """The value of an expression for a path; None if the source does not show it. Relative paths are relative to the
    folder of the file."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id="__file__"):
            return str(file)
        case ast.Name(id=name) if name in values:
            return _text(values[name], file, {key: value for key, value in values.items() if key != name})
        case ast.Attribute(value=inner, attr="parent") | ast.Call(func=ast.Attribute(attr="dirname"), args=[inner]):
            place = _text(inner, file, values)
            return None if place is None else str(Path(place).parent)
        case ast.Subscript(value=ast.Attribute(value=inner, attr="parents"), slice=ast.Constant(value=int(count))):
            place = _text(inner, file, values)
            return None if place is None else str([*Path(place).parents][count])
        case ast.BinOp(left=left, op=ast.Div() | ast.Add() as op, right=right):
            return _joined("/" if isinstance(op, ast.Div) else "", [left, right], file, values)
        case ast.JoinedStr(values=parts):
            plain = [one.value if isinstance(one, ast.FormattedValue) else one for one in parts]
            return _joined("", plain, file, values)
        case ast.Call(func=ast.Attribute(attr="join" | "joinpath") as function, args=args):
            return _joined("/", args if function.attr == "join" else [function.value, *args], file, values)
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[inner, *_]) if name in SAME:
            return _text(inner, file, values)
        case ast.Call(func=ast.Attribute(attr=name, value=inner), args=[]) if name in SAME:
            return _text(inner, file, values)
    return None


def _joined(separator: str, parts: Sequence[ast.expr], file: Path, values: Mapping[str, ast.expr]) -> str | None:
    texts = [text for one in parts if (text := _text(one, file, values)) is not None]
    return separator.join(texts) if len(texts) == len(parts) else None
