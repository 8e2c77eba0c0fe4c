import torch
from backbone_image_classifier import Backbone, LitClassifier
from lightning.pytorch import Trainer
from torchvision import transforms
from torchvision.datasets import MNIST

import hpsearch


def train(params, run):
    data = MNIST("../examples/data", transform=transforms.ToTensor())
    part = torch.utils.data.Subset(data, range(1000)), torch.utils.data.Subset(data, range(1000, 1500))
    model = LitClassifier(Backbone(params["hidden"]), params["lr"])
    trainer = Trainer(max_epochs=run.max_epochs, callbacks=[hpsearch.lightning_callback(run)])
    trainer.fit(model, *(torch.utils.data.DataLoader(one, 32) for one in part))
