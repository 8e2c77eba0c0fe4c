"""The package of a module whose name a program computes, such as import_module(f"models.{name}")."""

import ast


def computed_package(call: ast.Call) -> str:
    """The package of the module that a call of import_module imports, with the dots of a relative name; "" if the
    source does not show it."""
    start = _constant_start(call.args[0])
    if not start.endswith("."):
        return ""
    if not start.strip("."):  # import_module("." + name, "models")
        start = f"{_given_package(call)}{start}"
    return start.removesuffix(".") if start.strip(".") else ""


def _constant_start(text: ast.expr) -> str:
    """Of a text: "models." of f"models.{name}", "models." + name, "models.%s" % name, and "models.{}".format(name)."""
    match text:
        case ast.JoinedStr(values=[first, *_]) | ast.BinOp(left=first, op=ast.Add()):
            return _constant_start(first)
        case ast.BinOp(left=ast.Constant(value=str(start)), op=ast.Mod()):
            return start.partition("%")[0]
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(start)), attr="format")):
            return start.partition("{")[0]
        case ast.Constant(value=str(start)):
            return start
    return ""


def _given_package(call: ast.Call) -> str:
    given = [*call.args[1:2], *(one.value for one in call.keywords if one.arg == "package")]
    return next((one.value for one in given if isinstance(one, ast.Constant) and isinstance(one.value, str)), "")
