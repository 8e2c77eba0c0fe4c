"""The JSON schema of a study file, for editors: `#:schema study.schema.json` on its first line.

python -m hpsearch.study.file.json_schema studies/study.schema.json
"""

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from hpsearch.study import auto_search
from hpsearch.study.definition import Study
from hpsearch.study.file.space.space_forms import Auto, Range, Values
from hpsearch.study.file.space.space_names import KEYS_OF_ENTRIES

_SCALAR = {"type": ["string", "number", "boolean"]}
_PARAMETERS = {"additionalProperties": {"$ref": "#/$defs/Parameter"}}


def json_schema() -> dict[str, Any]:
    """The schema of the file. Only `hpsearch check` checks rules between several values."""
    schema = Study.model_json_schema()
    schema["properties"]["space"] = {
        "type": "object",
        "minProperties": 1,
        "properties": {
            "constraints": {
                "type": "array",
                "items": {"type": "string"},
                "description": 'conditions between parameters, such as "hidden_2 <= hidden_1"',
            }
        },
        "description": "what is searched: ranges, choices, fixed values",
        **_PARAMETERS,
    }
    search = schema["properties"]["search"]
    search["oneOf"].append({"$ref": "#/$defs/AutoSearch"})
    search["discriminator"]["mapping"]["auto"] = "#/$defs/AutoSearch"
    own = auto_search.Auto.model_json_schema()
    schema["$defs"] |= own.pop("$defs") | {"AutoSearch": own}
    schema["$defs"] |= {kind.__name__: kind.model_json_schema() for kind in (Range, Values, Auto)}
    schema["$defs"]["Parameter"] = {
        "anyOf": [
            {"$ref": "#/$defs/Range"},
            {"$ref": "#/$defs/Values"},
            {"$ref": "#/$defs/Auto"},
            {"type": "array", "minItems": 1, "description": "a choice, or ranges under conditions"},
            *(_family(kind) for kind in (Range, Values)),
            {**_SCALAR, "description": "a fixed value"},
            {
                "type": "object",
                "description": "parameters whose names have a common prefix",
                "properties": {key: {"type": "object"} for key in KEYS_OF_ENTRIES},
                **_PARAMETERS,
            },
        ]
    }
    trainer = schema["$defs"]["Trainer"]
    trainer["oneOf"] = [{"required": [key]} for key in ("epochs", "steps")]
    del trainer["required"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "An hpsearch study",
        "description": "A hyperparameter search in one file.",
    }


def _family(kind: type[BaseModel]) -> dict[str, Any]:
    """A range or choice with `count`."""
    schema = kind.model_json_schema()
    count = {"type": "string", "description": "the parameter with the length of the list"}
    return {
        **schema,
        "properties": {**schema["properties"], "count": count},
        "required": [*schema["required"], "count"],
    }


def text() -> str:
    return json.dumps(json_schema(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(text())
