"""What reads each kind of input: every reader, loader and cheap command, as users call them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from experiments.reliability import inputs, mutations
from experiments.reliability.inputs import Seed
from gmae_tf.errors import UserError

X = np.linspace(-2.0, 2.0, 7)
LONGEST_COMMAND = 100_000
"""Characters of a command line; a system passes on little more."""


@dataclass(frozen=True)
class Kind:
    """A kind of input: where its valid ones come from, and what reads a mutated one at a path."""

    name: str
    seeds: Callable[[], Sequence[Seed]]
    read: Callable[[Path], Any]


def write(seed: Seed, folder: Path, rng: mutations.Rng) -> Path:
    """Write a mutated input and what lies beside it; its path."""
    for name, data in (seed.beside or {}).items():
        (folder / name).write_bytes(data)
    path = folder / seed.name
    path.write_bytes(_mutated(seed, rng))
    if seed.sealed:
        _seal(folder)
    return path


def _mutated(seed: Seed, rng: mutations.Rng) -> bytes:
    if rng.random() < 0.03:
        whole = (mutations.npy_of_pickle(), *mutations.bombs())
        return whole[rng.integers(len(whole))]
    by_structure = {
        "json": mutations.json_mutated,
        "yaml": mutations.yaml_mutated,
        "npz": mutations.npz_mutated,
        "sqlite": mutations.sqlite_mutated,
    }
    if seed.how in by_structure and rng.random() < 0.9:
        return by_structure[seed.how](seed.data, rng)
    return mutations.bytes_mutated(seed.data, rng)


def _seal(folder: Path) -> None:
    """Make the checksum in model.json that of the files."""
    parts = ("model.weights.h5", "grammar.cfg", "training.npy")
    whole = hashlib.sha256()
    for name in parts:
        if (folder / name).exists():
            whole.update((folder / name).read_bytes())
    with suppress(ValueError, RecursionError, AttributeError, TypeError):
        described = json.loads((folder / "model.json").read_bytes())
        described["sha256"] = whole.hexdigest()
        (folder / "model.json").write_text(json.dumps(described))


def _text(path: Path) -> str:
    return path.read_bytes().decode(errors="replace")


def _all(*reads: Callable[[], Any]) -> None:
    """Every one of some readers; the first refusal is that of the input."""
    refused: UserError | None = None
    for read in reads:
        try:
            read()
        except UserError as error:
            refused = refused or error
    if refused is not None:
        raise refused


def _grammar(path: Path) -> None:
    from grammar.codec import RuleCodec
    from grammar.library import load_grammar
    from grammar.sampling.uniform import sample_strings

    parser = load_grammar(path)
    for text in ("a+b", "x" * 50, *sample_strings(parser.grammar, 3, 60)):
        with suppress(UserError):
            parser.parse(text)
    RuleCodec(parser.grammar, 20)


def _strings(path: Path) -> None:
    from grammar.files import read_measured, read_strings
    from grammar.library import load_grammar

    parser = load_grammar("arithmetic")
    _all(
        lambda: read_strings(path, parser),
        lambda: read_strings(path, parser, lambda report: None),
        lambda: read_measured(path, parser),
    )


def _string(path: Path) -> None:
    from grammar.expressions.evaluate import evaluate
    from grammar.expressions.targets import load_target
    from grammar.library import load_grammar

    text = _text(path)
    names = ("arithmetic", "smiles", "scientific", "smiles_compact")
    parsers = [load_grammar(name) for name in names]
    _all(
        *(lambda parser=parser: parser.parse(text) for parser in parsers),
        lambda: evaluate(text, X),
        lambda: load_target(text, None),
    )


def _table(path: Path) -> None:
    from bayesopt.regression.table import read_user_table
    from gmae_tf.utils.tables import read_table
    from grammar.expressions.targets import read_points

    _all(
        lambda: [table.measurements(n) for table in [read_table(path)] for n in table.names[:50]],
        lambda: read_points(path),
        lambda: read_user_table(path, None, "y", None),
    )


def _smiles(path: Path) -> None:
    from molecules.chem.domain import Domain
    from molecules.chem.properties import PROPERTIES, canonical, parse
    from molecules.data.kekulize import kekulize_smiles

    text = _text(path)
    mol = parse(canonical(text))
    for name in ("logp", "qed", "sa", "penalized_logp"):
        PROPERTIES[name](mol)
    _all(lambda: kekulize_smiles(text), lambda: Domain.of([text]))


def _molecules(path: Path) -> None:
    from molecules.data.files import read_records
    from molecules.data.sources import load_molecules

    # Large files are read, but not cleaned: that is work in proportion to them, and no reading.
    if path.stat().st_size < 200_000:
        _all(
            lambda: load_molecules(path),
            lambda: load_molecules(path, value_column="value", largest_fragment=True),
        )
    else:
        _all(lambda: read_records(path), lambda: read_records(path, value_column="value"))


def _images(path: Path) -> None:
    from gmae_tf.images.datasets.load import load_images

    _all(
        lambda: load_images(path if path.suffix.startswith(".np") else path.parent),
        lambda: load_images(path if path.suffix.startswith(".np") else path.parent, side=12),
    )


def _beside_model(path: Path) -> None:
    from molecules.chem.domain import Domain
    from molecules.data.library import read_known

    if path.name == "domain.npz":
        domain = Domain.load(path)
        domain.violations("CCO")
        domain.union(domain)
    else:
        read_known(path.parent, 4)


def _image_model(path: Path) -> None:
    from gmae_tf.images.model import ImageAutoencoder

    model = ImageAutoencoder.load(path.parent)
    model.encode(np.zeros((1, model.side, model.side, model.channels), np.uint8))


def _string_model(path: Path) -> None:
    from grammar.autoencoder.model import GrammarAutoencoder
    from molecules.model import MoleculeAutoencoder

    described = path.parent / "model.json"
    kind = MoleculeAutoencoder if b"kekulized" in described.read_bytes() else GrammarAutoencoder
    model = kind.load(path.parent)
    model.decode(np.zeros((1, model.latent_dim)))


def _config(path: Path) -> None:
    _command("run", ["--config", str(path)])
    _command("images", ["--config", str(path)])


def _run_folder(path: Path) -> None:
    from gmae_tf.utils.run_dir import open_run

    open_run(path.parent, {"n": 3, "name": "x", "nested": [1, 2]}, "fuzz")


def _store(path: Path) -> None:
    from bayesopt.report.summary import trial_table
    from bayesopt.storage import TrialStore

    with TrialStore.open(path, {"kind": "fuzz"}) as store:
        trials = store.trials()
        store.pending("joint", 0)
        store.cached_score("CCO")
        store.load_state("joint", 0, 0)
        store.descriptions("joint", 0)
        store.load_fits()
        trial_table(trials, False)


def _campaign(path: Path) -> None:
    from bayesopt.run import main

    if path.name == "measured.csv":
        main(["tell", "--out", str(path.parent), str(path)])
    else:
        main(["status", "--out", str(path.parent)])


def _formula(path: Path) -> None:
    from molecules.chem.formula import bound, formula
    from molecules.scoring.objective import Objective

    text = _text(path)
    _all(
        lambda: formula(text)("CCO"),
        lambda: bound(text)("CCO"),
        lambda: Objective(text).terms(),
        lambda: Objective(text, to=text).maximise,
    )


def _numbers(path: Path) -> None:
    from gmae_tf.utils.cli import parse_seeds

    parse_seeds(_text(path))


def _options(path: Path) -> None:
    command, *arguments = _text(path)[:LONGEST_COMMAND].split("\n")
    _command(command, [a.replace("\0", "") for a in arguments])


def _command(name: str, arguments: Sequence[str]) -> None:
    """A command up to where it would begin to work."""
    from gmae_tf.utils.cli import run_command

    config, check = _commands().get(name, _commands()["run"])
    run_command(check, config, prog="fuzz", description="", argv=arguments)


def _commands() -> dict[str, tuple[type, Callable[[Any], Any]]]:
    from bayesopt.cli.checks import check_molecules, constraints_of
    from bayesopt.cli.options import AskConfig, RunConfig, chosen
    from bayesopt.improve import ImproveConfig
    from gmae_tf.train import TrainConfig as Images
    from gmae_tf.utils.cli import parse_seeds
    from grammar.train import TrainConfig as Strings
    from molecules.sample import SampleConfig
    from molecules.train import TrainConfig as Molecules

    def run(config: Any) -> None:
        chosen(config)
        parse_seeds(config.seeds)
        if config.task == "molecules":
            constraints_of(config, config.objective)

    return {
        "run": (RunConfig, run),
        "ask": (AskConfig, lambda config: check_molecules(config, None, config.data)),
        "improve": (ImproveConfig, lambda config: None),
        "images": (Images, lambda config: None),
        "grammar": (Strings, lambda config: None),
        "molecules": (Molecules, lambda config: None),
        "sample": (SampleConfig, lambda config: None),
    }


KINDS = (
    Kind("grammars", inputs.grammars, _grammar),
    Kind("files of strings", inputs.string_files, _strings),
    Kind("strings", lambda: inputs.texts(*inputs.EXPRESSIONS, *inputs.SMILES), _string),
    Kind("tables", inputs.tables, _table),
    Kind("SMILES", lambda: inputs.texts(*inputs.SMILES), _smiles),
    Kind("files of molecules", inputs.molecule_files, _molecules),
    Kind("folders of images", inputs.pictures, _images),
    Kind("arrays", inputs.arrays, _images),
    Kind("arrays of a model", inputs.known_molecules, _beside_model),
    Kind("models of images", inputs.image_models, _image_model),
    Kind("models of strings", inputs.string_models, _string_model),
    Kind("files of options", inputs.configs, _config),
    Kind("run folders", inputs.run_folders, _run_folder),
    Kind("trial stores", inputs.stores, _store),
    Kind("campaigns", inputs.campaigns, _campaign),
    Kind("formulas", lambda: inputs.texts(*inputs.FORMULAS), _formula),
    Kind("seeds", lambda: inputs.texts("0-9", "0,3,5", "7"), _numbers),
    Kind("command lines", inputs.options, _options),
)
"""In turn: case i is of kind i modulo their number."""
