from pathlib import Path

import torch
from mingpt.model import GPT
from mingpt.trainer import Trainer

text = Path("../projects/chargpt/input.txt").read_text()
stoi = {c: i for i, c in enumerate(sorted(set(text)))}
ids = torch.tensor([stoi[c] for c in text])


class Chars(torch.utils.data.Dataset):
    def __len__(self):
        return len(ids) - 33

    def __getitem__(self, i):
        return ids[i : i + 32], ids[i + 1 : i + 33]


def train(params, run):
    config = GPT.get_default_config()
    config.model_type, config.vocab_size, config.block_size = "gpt-nano", len(stoi), 32
    settings = Trainer.get_default_config()
    settings.learning_rate, settings.max_iters = params["lr"], run.max_epochs
    settings.num_workers, settings.batch_size = 0, 16
    trainer = Trainer(settings, GPT(config), Chars())

    def report(trainer):
        if trainer.iter_num and trainer.iter_num % 10 == 0:
            run.report(trainer.iter_num, {"train_loss": trainer.loss})

    trainer.set_callback("on_batch_end", report)
    trainer.run()
