"""A trainer given as a Python object, in a program or a notebook: in this process, and pickled for Ray workers."""

import pickle
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hpsearch.core.errors import TrainerError
from hpsearch.provenance.module_search import search_first_in
from hpsearch.provenance.sources import Sources, code_holder
from hpsearch.trainer import arguments, contract, forms
from hpsearch.trainer.failures import short_traceback


@dataclass(frozen=True)
class TrainerObject:
    """sources: the files and hashes of its code, for the record."""

    trainer: Any
    sources: Sources

    @classmethod
    def of(cls, trainer: Any, use: str) -> "TrainerObject":
        """TrainerError if it is not a trainer. use: its recorded name."""
        forms.as_trainer(contract.display_name_of_object(use), trainer)
        return cls(trainer, Sources.of_object(trainer))

    def content(self) -> tuple[Any, type | None, dict[str, Any]]:
        """The trainer, the dataclass that annotates its parameters, and the types of that dataclass's fields.

        A function of `__main__` is pickled by value, without the names that only its annotations use, so these are
        evaluated here.
        """
        trainer = forms.as_trainer("the trainer", self.trainer)
        params_class = arguments.dataclass_of(trainer)
        is_in_main = params_class is not None and params_class.__module__ == "__main__"
        hints = arguments.field_types(params_class) if params_class is not None and is_in_main else {}
        return self.trainer, params_class, hints


@dataclass(frozen=True)
class PickledTrainer:
    """content: the pickle of `TrainerObject.content`. folder: searched for its imports."""

    content: bytes
    folder: Path | None
    sources: Sources

    @cached_property
    def trainer(self) -> Any:
        """Unpickled once per process, as a module is imported once. Raises TrainerError."""
        if self.folder is not None:
            search_first_in(self.folder)
        try:
            trainer, params_class, hints = pickle.loads(self.content)
        except Exception as problem:  # a module that is imported may raise anything
            raise TrainerError(f"the trainer cannot be unpickled on this worker\n{short_traceback(problem)}") from None
        if hints:
            params_class.__annotations__ = hints
            function = code_holder(trainer)
            annotated = {arguments.first_parameter(trainer).name: params_class}
            function.__annotations__ = {**function.__annotations__, **annotated}
        return trainer
