"""The image networks and loss of Saseendran et al. 2021 in PyTorch: a worker of `image_step.py`.

Imports nothing of this project but `turns.py`: it runs in an environment that has PyTorch alone.
"""

from __future__ import annotations

import math
from argparse import Namespace
from collections.abc import Callable
from typing import Any

import numpy as np

from experiments.benchmarks.turns import (
    COMPONENTS,
    DIM,
    RATE,
    WEIGHT,
    Answer,
    Turns,
    random_images,
    serve,
)


def networks(size: str, dim: int) -> tuple[Any, Any]:
    """The networks of Saseendran et al. 2021, appendix Table 1, and the small ones."""
    from torch import nn

    filters = {"paper": (128, 256, 512, 1024), "small": (16, 32, 64)}[size]
    dense = {"paper": 0, "small": 128}[size]
    side = 32 >> len(filters)
    flat = filters[-1] * side * side
    encoder: list[Any] = []
    for before, width in zip((1, *filters), filters, strict=False):
        convolution = nn.Conv2d(before, width, 4, stride=2, padding=1)
        encoder += [convolution, nn.BatchNorm2d(width), nn.ReLU()]
    encoder.append(nn.Flatten())
    encoder += [nn.Linear(flat, dense), nn.ReLU()] if dense else []
    encoder.append(nn.Linear(dense or flat, dim))
    decoder: list[Any] = [nn.Linear(dim, dense), nn.ReLU()] if dense else []
    decoder += [nn.Linear(dense or dim, flat), nn.ReLU(), nn.Unflatten(1, (-1, side, side))]
    for before, width in zip(filters[::-1], filters[-2::-1], strict=False):
        convolution = nn.ConvTranspose2d(before, width, 4, stride=2, padding=1)
        decoder += [convolution, nn.BatchNorm2d(width), nn.ReLU()]
    decoder += [nn.ConvTranspose2d(filters[0], 1, 4, stride=2, padding=1), nn.Sigmoid()]
    return nn.Sequential(*encoder), nn.Sequential(*decoder)


def penalty_of(n: int, components: int, dim: int, device: str) -> Callable[[Any], Any]:
    """Both terms for one-hot means and identity covariances, 1 each for prior samples."""
    import torch

    from_prior = torch.distributions.Normal(0.0, 1.0)
    means = torch.eye(components, dim, device=device)
    target = torch.arange(1, n + 1, device=device)[:, None] / n
    offset = means - means.mean(0)
    covariance = torch.eye(dim, device=device) + offset.T @ offset / components

    def gaps(z: Any) -> tuple[Any, Any]:
        ordered = torch.sort(z, dim=0).values
        cdf = 0.5 * (1 + torch.erf((ordered[:, None] - means) / math.sqrt(2))).mean(1)
        centred = z - z.mean(0)
        return (cdf - target).square().mean(), (
            centred.T @ centred / n - covariance
        ).square().mean()

    with torch.no_grad():  # the expected gaps, from 64 batches of the prior as its authors do
        found = []
        for _ in range(64):
            noise = from_prior.sample((n, dim)).to(device)
            found.append(gaps(means[torch.randint(components, (n,), device=device)] + noise))
        ks, cv = (sum(term) / len(term) for term in zip(*found, strict=True))

    def penalty(z: Any) -> Any:
        first, second = gaps(z)
        return first / ks + second / cv

    return penalty


def take_steps(options: Namespace, answer: Answer) -> None:
    """Train in a plain loop, with a turn after each step."""
    import torch

    torch.manual_seed(options.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    encoder, decoder = (part.to(device) for part in networks(options.size, DIM))
    layout = {"memory_format": torch.channels_last} if "channels" in options.name else {}
    if layout:
        encoder, decoder = encoder.to(**layout), decoder.to(**layout)
    parameters = [*encoder.parameters(), *decoder.parameters()]
    optimizer = torch.optim.Adam(parameters, RATE)
    penalty = penalty_of(options.batch_size, COMPONENTS, DIM, device)

    def loss_of(x: Any) -> Any:
        z = encoder(x)
        return WEIGHT * torch.nn.functional.mse_loss(decoder(z), x) + penalty(z)

    if options.name == "torch-compile":
        loss_of = torch.compile(loss_of)
    about = {
        "parameters": sum(p.numel() for p in parameters),
        "versions": {"torch": torch.__version__},
        "device": "gpu" if device == "cuda" else "cpu",
    }
    turns = Turns(answer, about)
    images = np.ascontiguousarray(random_images(options.seed).transpose(0, 3, 1, 2))
    rng = np.random.default_rng(options.seed)
    while True:
        order = rng.permutation(len(images))
        for start in range(0, len(order), options.batch_size):
            rows = images[order[start : start + options.batch_size]]
            x = torch.from_numpy(rows).to(device).float().div(255)
            optimizer.zero_grad()
            loss = loss_of(x.to(**layout) if layout else x)
            loss.backward()
            optimizer.step()
            turns.step(loss.item)


if __name__ == "__main__":
    serve(take_steps)
