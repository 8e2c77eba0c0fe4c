"""[provenance] of a study file."""

from pydantic import Field

from hpsearch.study.file.sections import Section


class Provenance(Section):
    diff: bool = Field(
        True, description="record the text of uncommitted changes; false: only their number of lines and SHA-256"
    )
