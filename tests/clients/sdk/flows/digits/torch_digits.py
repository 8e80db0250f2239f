"""A PyTorch script as its users write it: a small convolutional network for digits of 8 by 8 pixels."""

import argparse
import os
from pathlib import Path

import numpy as np
import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel


def network():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(512, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch-size", type=int, default=64)
    options = parser.parse_args()
    torch.manual_seed(1)
    rank, size = 0, 1
    if "WORLD_SIZE" in os.environ:
        distributed.init_process_group("gloo")
        rank, size = distributed.get_rank(), distributed.get_world_size()
    rows = torch.tensor(np.loadtxt(Path(os.environ["SM_CHANNEL_TRAIN"]) / "train.csv", delimiter=",", dtype=np.float32))
    rows = rows[torch.randperm(len(rows))]
    own = rows[rank::size][: len(rows) // size]
    images, labels = own[:, 1:].reshape(-1, 1, 8, 8) / 16, own[:, 0].long()
    model = network()
    trained = DistributedDataParallel(model) if size > 1 else model
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(options.epochs):
        for at in range(0, len(own), options.batch_size):
            batch = slice(at, at + options.batch_size)
            loss = nn.functional.cross_entropy(trained(images[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"rank={rank} of {size}; epoch={epoch}; loss={loss.item():.4f};", flush=True)
    if rank == 0:
        torch.save(model.state_dict(), Path(os.environ["SM_MODEL_DIR"]) / "model.pth")
    if size > 1:
        distributed.destroy_process_group()


def model_fn(model_dir):
    model = network()
    model.load_state_dict(torch.load(Path(model_dir) / "model.pth", weights_only=True))
    return model.eval()


def predict_fn(data, model):
    with torch.no_grad():
        return model(data.reshape(-1, 1, 8, 8).float() / 16).argmax(1)
