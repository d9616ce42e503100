"""Train a model of molecules or expressions on JAX for so many seconds, and measure its space.

    python -m experiments.space.train --prepared PREPARED --kind molecules --latent 128 --noise 1.0

Data lie on the device, many steps run in one call (`experiments.scan`), and learning rate and
noise follow the share of the seconds that has passed.  Writes NAME.npz (weights in 16 bits, for
`experiments.space.rebuild`), NAME.config.json and NAME.json (log and measures) into --out.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from experiments.runner import child_environment
from experiments.space.settings import GRAMMARS, MOLECULES, Settings, build
from experiments.timed_training import Log, draw, need_jax, save_weights, train_for
from gmae_tf.errors import UserError
from gmae_tf.utils.cli import console, run_command
from gmae_tf.utils.json import write_json

if TYPE_CHECKING:
    from grammar.autoencoder.model import GrammarAutoencoder

ARRAYS = ("own", "other", "targets", "properties", "n_train")


@dataclass(frozen=True)
class TrainConfig(Settings):
    """Options of `python -m experiments.space.train`."""

    prepared: Path | None = None
    """Folder of experiments.space.prepare, for molecules."""
    out: Path = Path("runs/space-trained")
    """Folder to write."""


def main() -> None:
    """The command."""
    run_command(
        train,
        TrainConfig,
        prog="python -m experiments.space.train",
        description="Train a model on JAX for so many seconds, and measure its latent space.",
        continues=False,
    )


def train(config: TrainConfig) -> None:
    """Train, save and measure."""
    if config.kind == "molecules":
        for name in ARRAYS:
            if config.prepared is None or not (config.prepared / f"{name}.npy").is_file():
                raise UserError("--prepared: name a folder that experiments.space.prepare wrote")
    need_jax()
    config.out.mkdir(parents=True, exist_ok=True)
    import keras

    if config.bf16:
        keras.config.set_dtype_policy("mixed_bfloat16")
    began = time.time()
    body = _train_molecules if config.kind == "molecules" else _train_expressions
    log, found = body(config)
    result = {"config": _settings(config), "log": log, "found": found}
    write_json(config.out / f"{config.name}.json", {**result, "wall": time.time() - began})
    console().print_json(json.dumps(found))


def _train_molecules(config: TrainConfig) -> tuple[Log, dict[str, Any]]:
    import jax.numpy as jnp

    from grammar.library import load_grammar
    from molecules.model import MoleculeAutoencoder
    from molecules.space.metrics import evaluate_space

    assert config.prepared is not None  # checked
    arrays = {name: np.load(config.prepared / f"{name}.npy") for name in ARRAYS}
    rules, n_train, values = arrays["own"], int(arrays["n_train"]), arrays["properties"]
    grammar, length = load_grammar(GRAMMARS["molecules"][0]).grammar, rules.shape[1]
    data = {"own": rules[:n_train]}
    lengths = (data["own"] != grammar.padding).sum(axis=1)
    short, long = (np.flatnonzero(part) for part in (lengths <= config.crop, lengths > config.crop))
    if config.heads:
        data["targets"] = arrays["targets"][:n_train]
    if config.spelled:
        other = arrays["other"][:n_train]
        longer = (other != grammar.padding).sum(axis=2) > config.crop
        longer &= (lengths <= config.crop)[:, None]
        data["other"] = np.where(longer[:, :, None], data["own"][:, None], other)
    heads = data["targets"].shape[1] if config.heads else 0
    network, architecture = build(config, grammar, length, heads)

    def batch(data: Any, crop: int, rows: Any, spelling: Any) -> tuple[Any, Any]:
        x = data["own"][rows][:, :crop]
        if config.spelled:
            source = data["other"][rows, jnp.maximum(spelling, 0)][:, :crop]
            x = jnp.stack([jnp.where(spelling[:, None] < 0, x, source), x], axis=1)
        return x, data["targets"][rows].astype(jnp.float32) if heads else None

    def choose(rng: np.random.Generator, k: int, number: int) -> tuple[int, tuple[Any, ...]]:
        crop = config.crop
        if number % 10 or not len(long):
            rows = draw(rng, short, k, config.batch)
        else:  # all lengths, and more of the long ones than there are
            crop, extra = length, config.batch // 20
            some = draw(rng, np.arange(n_train), k, config.batch - extra)
            rows = np.concatenate([some, rng.choice(long, (k, extra))], axis=1)
        spelling = rng.integers(0, data["other"].shape[1] if config.spelled else 1, rows.shape)
        spelling[rng.random(rows.shape) >= config.spelled] = -1
        return crop, (jnp.asarray(rows, jnp.int32), jnp.asarray(spelling, jnp.int8))

    log = train_for(config, network, batch, data, choose)
    model = MoleculeAutoencoder(
        grammar, length, network, details=dict(MOLECULES), architecture=architecture
    )
    _save(config, model)
    codes = network.encode(data["own"])
    process = _gaussian_process(config, codes, values[:n_train])
    found = evaluate_space(
        model,
        [str(text) for text in model.codec.decode(rules[n_train : n_train + config.held_out])],
        samples=config.samples,
        pairs=500,
        neighbours=500,
        gp=0,
        seed=config.seed,
        jobs=config.jobs,
    )
    found["exact_training"] = model.exact_match(data["own"][:1000])
    if process is not None and process.wait() == 0:
        found["gp"] = json.loads((config.out / f"{config.name}.gp.json").read_text())
    return log, found


def _train_expressions(config: TrainConfig) -> tuple[Log, dict[str, Any]]:
    import jax.numpy as jnp

    from experiments.space.expressions import Expressions
    from grammar.autoencoder.model import GrammarAutoencoder
    from grammar.autoencoder.space import evaluate_space, latent_terms

    known = Expressions.load(config)
    codec, grammar, length = known.codec, known.codec.grammar, GRAMMARS["expressions"][1]
    counts = [config.batch - config.batch * 2 // 5, config.batch * 3 // 10, config.batch // 10]
    data = {"rules": np.concatenate(known.groups)}
    ends = np.cumsum([0, *map(len, known.groups)])
    places = [np.arange(a, b) for a, b in pairwise(ends)]
    network, architecture = build(config, grammar, length, 0)

    def batch(data: Any, crop: int, rows: Any) -> tuple[Any, Any]:
        del crop
        return data["rules"][rows], None

    def choose(rng: np.random.Generator, k: int, number: int) -> tuple[int, tuple[Any, ...]]:
        del number
        rows = [draw(rng, part, k, n) for part, n in zip(places, counts, strict=True)]
        return length, (jnp.asarray(np.concatenate(rows, axis=1), jnp.int32),)

    log = train_for(config, network, batch, data, choose)
    model = GrammarAutoencoder(grammar, length, network, architecture=architecture)
    _save(config, model)
    texts = [str(text) for text in codec.decode(known.held_out)]
    found = evaluate_space(model, texts, samples=config.samples, gp=0, seed=config.seed)
    found["terms"] = latent_terms(model, network.encode(known.mixed), config.seed)
    return log, found


def _settings(config: Settings) -> dict[str, Any]:
    """The fields of `Settings` alone."""
    values = asdict(config)
    return {field.name: values[field.name] for field in fields(Settings)}


def _save(config: TrainConfig, model: GrammarAutoencoder) -> None:
    """Weights in 16 bits, and the settings that build the network again."""
    save_weights(model.network.get_weights(), config.out / f"{config.name}.npz")
    write_json(config.out / f"{config.name}.config.json", _settings(config))


def _gaussian_process(
    config: TrainConfig, codes: NDArray[Any], values: NDArray[Any]
) -> subprocess.Popen[bytes] | None:
    """`experiments.space.gp_jax` on the codes, beside the other measures."""
    if config.gp == "none":
        return None
    path = config.out / f"{config.name}.codes.npz"
    np.savez(path, codes=codes.astype(np.float32), values=values)
    command = [sys.executable, "-m", "experiments.space.gp_jax", "--codes", str(path)]
    command += ["--out", str(config.out / f"{config.name}.gp.json")]
    small = ["--small"] if config.gp == "small" else []
    return subprocess.Popen(command + small, env=child_environment())


if __name__ == "__main__":
    main()
