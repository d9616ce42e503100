"""The image networks and loss of Saseendran et al. 2021 in PyTorch, for `image_step.py`.

Imports nothing of this project: it runs in an environment that has PyTorch alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn


def networks(size: str, dim: int) -> tuple[Any, Any]:
    """The networks of Saseendran et al. 2021, appendix Table 1, and the small ones."""
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
