import ast

import pytest

from hpsearch.provenance.sources import computed_package


@pytest.mark.parametrize(
    ("arguments", "package"),
    [
        ('f"models.{name}"', "models"),
        ('"models." + name', "models"),
        ('"models." + kind + "." + name', "models"),
        ('"models.small.%s" % name', "models.small"),
        ('"models.{}".format(name)', "models"),
        ('"." + name, "models"', "models"),
        ('f".{name}", package="models"', "models"),
        ('f".models.{name}"', ".models"),
        ('f".{name}", package=__package__', ""),
        ('f"model_{name}"', ""),
        ("name", ""),
        ("prefix + name", ""),
        ('"models"', ""),
    ],
)
def test_the_package_of_a_computed_name(arguments: str, package: str) -> None:
    call = ast.parse(f"import_module({arguments})", mode="eval").body
    assert isinstance(call, ast.Call)
    assert computed_package(call) == package
