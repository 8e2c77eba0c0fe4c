"""A trainer whose batches come from persistent workers of a DataLoader, which share a tensor with it. It imports torch
when it trains, and writes the name of the tensor's memory and of the folder of torch's `torch_shm_manager`."""

from collections.abc import Iterator
from pathlib import Path

from hpsearch import Report, Run
from hpsearch.core.trial import Params

kept: list[object] = []


def train(params: Params, run: Run) -> Iterator[Report]:
    import torch
    from torch.utils.data import DataLoader

    folders = set(Path("/tmp").glob("torch-shm-dir-*"))
    memories = set(Path("/dev/shm").glob("torch_*"))
    torch.multiprocessing.set_sharing_strategy("file_system")
    kept.append(torch.zeros(1000).share_memory_())
    new = [*set(Path("/dev/shm").glob("torch_*")) - memories, *set(Path("/tmp").glob("torch-shm-dir-*")) - folders]
    (run.scratch_dir / "folders").write_text("\n".join(map(str, new)))
    kept.append(batches := iter(DataLoader([1, 2, 3, 4], num_workers=2, persistent_workers=True)))
    next(batches)
    loss = torch.ones(1, requires_grad=True).sum()  # as an earlier trial has left torch, it needs no gradient
    yield Report(1, {"val_loss": float(loss.requires_grad)})
    torch.set_grad_enabled(False)
