"""Trainings of transformers for tests: a tiny BERT on 64 sequences, four batches in an epoch. Nothing is downloaded."""

from pathlib import Path
from typing import Any

import torch

import hpsearch

try:
    import transformers
except ImportError:  # tests of it are skipped
    transformers = None  # type: ignore[assignment]


class Sequences(torch.utils.data.Dataset):  # type: ignore[type-arg]
    def __init__(self, count: int, seed: int):
        self.tokens = torch.randint(50, (count, 8), generator=torch.Generator().manual_seed(seed))

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {"input_ids": self.tokens[index], "labels": int(self.tokens[index, 0] > 25)}


def accuracy(prediction: Any) -> dict[str, float]:
    return {"accuracy": float((prediction.predictions.argmax(1) == prediction.label_ids).mean())}


def fit(params: dict[str, Any], run: Any, resume: bool = True, output_dir: str | Path | None = None) -> None:
    config = transformers.BertConfig(
        vocab_size=50,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=16,
    )
    options: dict[str, Any] = {
        "eval_strategy": "epoch",
        "logging_strategy": "epoch",
        "save_strategy": "no",
        "num_train_epochs": run.max_epochs,
        **{name: value for name, value in params.items() if name not in ("note", "every")},
    }
    if "every" in params:
        options |= {"eval_strategy": "steps", "eval_steps": params["every"], "max_steps": run.max_epochs}
        options |= {"logging_strategy": "steps", "logging_steps": params["every"]}
    arguments = transformers.TrainingArguments(
        output_dir=output_dir or run.scratch_dir,
        learning_rate=3e-3,
        warmup_steps=3,
        weight_decay=0.1,
        per_device_train_batch_size=16,
        disable_tqdm=True,
        use_cpu=True,
        seed=run.seed,
        **options,
    )
    callback = hpsearch.transformers_callback(run)
    callbacks: list[Any] = [callback]
    if "note" in params:
        callbacks.append(_noting(Path(params["note"])))
        callbacks.reverse()
    trainer = transformers.Trainer(
        transformers.BertForSequenceClassification(config),
        arguments,
        train_dataset=Sequences(64, 1),
        eval_dataset=Sequences(32, 2),
        compute_metrics=accuracy,
        callbacks=callbacks,
    )
    trainer.train(resume_from_checkpoint=callback.checkpoint if resume else None)
    if "note" in params:
        _write(Path(params["note"]), "train_returned")


def train(params: dict[str, Any], run: Any) -> None:
    fit(params, run)


def forgetful(params: dict[str, Any], run: Any) -> None:
    fit(params, run, resume=False)


def in_trainer_output(params: dict[str, Any], run: Any) -> None:
    """Uses the default output_dir of TrainingArguments."""
    fit(params, run, output_dir="trainer_output")


def _noting(path: Path) -> Any:
    class Noting(transformers.TrainerCallback):  # type: ignore[misc]
        def on_train_end(self, *_: Any, **__: Any) -> None:
            _write(path, "on_train_end")

    return Noting()


def _write(path: Path, line: str) -> None:
    with path.open("a") as file:
        file.write(f"{line}\n")
