"""YAML of others."""

import pytest
import yaml

from hpsearch.core import yaml_text

NINE = "".join(f"v{at}: &v{at} [{', '.join([f'*v{at - 1}'] * 9)}]\n" for at in range(1, 13))
MERGED = "".join(f"v{at}: &v{at} {{<<: [{', '.join([f'*v{at - 1}'] * 9)}]}}\n" for at in range(1, 13))


def test_plain_values() -> None:
    assert yaml_text.document("a: &a [1, x]\nb: *a\nc: {<<: {d: 2}}") == {"a": [1, "x"], "b": [1, "x"], "c": {"d": 2}}
    assert list(yaml_text.documents("1\n---\n2")) == [1, 2]
    assert yaml_text.document("") is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"v0: &v0 [1]\n{NINE}", "aliases"),
        (f"v0: &v0 {{a: 1}}\n{MERGED}", "aliases"),
        ("a: &a [*a]", "contains itself"),
        ("a: &a {b: *a}", "contains itself"),
        ("1\n---\n2", "one document, got 2"),
    ],
)
def test_what_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        yaml_text.document(text)


def test_no_object_of_python_is_created() -> None:
    with pytest.raises(yaml.YAMLError):
        yaml_text.document("!!python/object/apply:os.getcwd []")
