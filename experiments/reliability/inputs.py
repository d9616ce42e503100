"""Valid inputs of every kind that a fuzzer starts from, small and made by seed."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

SMILES = (
    "CCO",
    "c1ccccc1O",
    "CC(=O)Nc1ccc(O)cc1",
    "C[C@H](N)C(=O)O",
    "[Na+].[Cl-]",
    "O=C(O)/C=C/C",
)
EXPRESSIONS = ("1/3+x+sin(x*x)", "x", "exp(x/2)*3", "(x+1)*sin(3)")
FORMULAS = (
    "0.5*qed - 0.1*sa", "gauss(logp, 2, 1)*qed", "clip(tpsa, 0, 90)**0.5", "1 <= logp <= 3",
    "heavy_atoms > 6 and rings < 4", "max(logp, 2*qed)/sqrt(mw)",
)  # fmt: skip
SIDE, IMAGES = 8, 60


@dataclass(frozen=True)
class Seed:
    """A valid input: the file that is mutated, how, and the folder in which it lies.

    how : "text", "bytes", or a structure of `experiments.reliability.mutations`: "json", "yaml",
        "npz", "sqlite".
    beside : other files of the folder, by name.
    sealed : the checksum in model.json is made anew, so that what is mutated is believed.
    """

    name: str
    data: bytes
    how: str = "text"
    beside: Mapping[str, bytes] | None = None
    sealed: bool = False


def texts(*lines: str) -> list[Seed]:
    """Each text as an input of its own."""
    return [Seed("input.txt", line.encode()) for line in lines]


def tables() -> list[Seed]:
    """Tables of every dialect, of numbers, molecules and strings."""
    points = "x,y\n" + "".join(f"{i / 10},{i * i / 100}\n" for i in range(30))
    german = "Dosis (mg);Wert\n" + "".join(f"{i},5;{i},25\n" for i in range(12))
    many = "x1\tx2\ty\tn\n" + "".join(
        f"{i}\t{i % 3}\t{2 * i + 1}\t{i % 5 + 1}\n" for i in range(20)
    )
    plain = "".join(f"{i} {i * 2} {i * 3}\n" for i in range(10))
    quoted = '# of mine\n"X (s)","y"\n"1","2"\n"3","4"\n'
    return [
        Seed("points.csv", points.encode()),
        Seed("german.csv", german.encode("latin-1")),
        Seed("wide.tsv", many.encode("utf-16")),
        Seed("plain.dat", plain.encode()),
        Seed("quoted.csv", quoted.encode("utf-8-sig")),
        Seed("packed.csv.gz", gzip.compress(points.encode(), mtime=0), "bytes"),
    ]


def molecule_files() -> list[Seed]:
    """Files of molecules, with and without values."""
    rows = [f"{s},{i},>{i / 2}" for i, s in enumerate(SMILES)]
    listed = "".join(f"{s} mol{i}\n" for i, s in enumerate(SMILES))
    return [
        Seed("values.csv", ("smiles,id,value\n" + "\n".join(rows)).encode()),
        Seed("list.smi", listed.encode()),
        Seed("named.txt", "".join(f"mol{i}\t{s}\n" for i, s in enumerate(SMILES)).encode()),
        Seed("packed.smi.gz", gzip.compress(listed.encode(), mtime=0), "bytes"),
        Seed("records.sdf", _sdf()),
        Seed("one.mol", _sdf().split(b"M  END")[0] + b"M  END\n"),
    ]


def string_files() -> list[Seed]:
    """Files of strings of the grammar `arithmetic`, with and without values."""
    rows = "string,value\n" + "".join(f"{s},{i}\n" for i, s in enumerate(EXPRESSIONS))
    return [
        Seed("strings.txt", "\n".join(EXPRESSIONS).encode()),
        Seed("strings.csv", rows.encode()),
    ]


def grammars() -> list[Seed]:
    """The built-in grammars and small ones with every feature of the syntax."""
    from grammar.library import BUILT_IN

    own = (
        "S -> S '+' T | T\nT -> 'a' | 'b'\n",
        "# comment\n%ambiguous\nS -> S S | 'x' | \"y\"\n",
        "S -> '(' S ')' | 'a' S 'b' | N\nN -> 'n' N | 'n'\n",
    )
    built = [Seed("own.cfg", path.read_bytes()) for path in BUILT_IN.values()]
    return [*built, *(Seed("own.cfg", text.encode()) for text in own)]


def pictures() -> list[Seed]:
    """A folder of images of each format, one of which is mutated."""
    from PIL import Image

    rng = np.random.default_rng(0)
    arrays = rng.integers(0, 256, (IMAGES, SIDE, SIDE), dtype=np.uint8)
    folder = {f"{i:03d}.png": _encoded(Image.fromarray(a), "PNG") for i, a in enumerate(arrays)}
    first = Image.fromarray(arrays[0])
    others = {"png": "PNG", "jpg": "JPEG", "gif": "GIF", "bmp": "BMP", "webp": "WEBP"}
    return [
        Seed(f"a.{end}", _encoded(first, kind), "bytes", folder) for end, kind in others.items()
    ]


def arrays() -> list[Seed]:
    """Image data in NumPy's formats."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (IMAGES, SIDE, SIDE), dtype=np.uint8)
    labels = np.arange(IMAGES) % 3
    whole = _npz(images=images, labels=labels)
    split = _npz(x_train=images, y_train=labels, x_test=images[:10] / 255, y_test=labels[:10])
    alone = io.BytesIO()
    np.save(alone, images)
    found = [Seed("images.npz", data, how) for data in (whole, split) for how in ("npz", "bytes")]
    return [*found, Seed("images.npy", alone.getvalue(), "bytes")]


def known_molecules() -> list[Seed]:
    """`known.npz` and `domain.npz` beside a model of molecules."""
    text = np.frombuffer("\n".join(SMILES).encode(), np.uint8)
    known = _npz(
        smiles=text, codes=np.zeros((len(SMILES), 4), np.float16), qed=np.ones(len(SMILES))
    )
    domain = _npz(
        identifiers=np.array([1, 5], np.uint32),
        most=np.array([1, 2], np.uint8),
        atoms=np.array([1, 30], np.int16),
        rings=np.array([5, 6], np.int16),
    )
    return [
        Seed(name, data, how)
        for name, data in (("known.npz", known), ("domain.npz", domain))
        for how in ("npz", "bytes")
    ]


def image_models() -> list[Seed]:
    """A small model of images in a folder, its description or its weights mutated."""
    from gmae_tf.images.model import ImageAutoencoder
    from gmae_tf.models.config import Recipe
    from gmae_tf.penalties import NormPenalty

    recipe = Recipe("gmae", latent_dim=3, components=2)
    named = ImageAutoencoder.from_recipe(recipe, SIDE, 1)
    with_penalty = ImageAutoencoder.build(SIDE, 1, 3, penalty=NormPenalty())
    return [*_model_seeds(_saved(named.save)), *_model_seeds(_saved(with_penalty.save))]


def string_models() -> list[Seed]:
    """Small models of strings and of molecules in folders, each of their files mutated."""
    from gmae_tf.models.config import Recipe
    from grammar.autoencoder.architectures import Architecture
    from grammar.autoencoder.model import GrammarAutoencoder
    from grammar.autoencoder.training import TrainingOptions
    from grammar.library import load_grammar
    from molecules.model import MoleculeAutoencoder

    options = TrainingOptions(latent_dim=3, components=2)
    strings = [s for s in EXPRESSIONS for _ in range(5)]
    sizes = Architecture("expressions", {"units": 4, "dense": 4})
    own, _ = GrammarAutoencoder.prepare(strings, load_grammar("arithmetic"), options, sizes)
    small = Architecture("autoregressive", {"units": 4, "dense": 4, "positions": 2})
    recipe = Recipe("gmae", latent_dim=3, components=2)
    cfg = load_grammar("smiles_compact").grammar
    spellings = ["CCO", "CCN", "CCCC"]
    molecule, _ = MoleculeAutoencoder.untrained(
        spellings, recipe, grammar=cfg, kekulized=True, architecture=small
    )
    return [*_model_seeds(_saved(own.save)), *_model_seeds(_saved(molecule.save))]


def configs() -> list[Seed]:
    """YAML files of options."""
    from bayesopt.cli.options import RunConfig
    from gmae_tf.train import TrainConfig
    from gmae_tf.utils.json import to_json

    found: list[Any] = [to_json(asdict(RunConfig())), to_json(asdict(TrainConfig()))]
    found.append({"budget": 10, "seeds": "0-2", "task": "expr"})
    return [
        Seed("config.yaml", yaml.safe_dump(c).encode(), how)
        for c in found
        for how in ("yaml", "text")
    ]


def run_folders() -> list[Seed]:
    """A run folder, one of its two records mutated."""
    options = yaml.safe_dump({"n": 3, "name": "x", "nested": [1, 2]}).encode()
    record = json.dumps({"kind": "fuzz", "starts": [{"time": "2026"}]}).encode()
    return [
        *(
            Seed("config.yaml", options, how, {"environment.json": record})
            for how in ("yaml", "text")
        ),
        *(
            Seed("environment.json", record, how, {"config.yaml": options})
            for how in ("json", "text")
        ),
    ]


def stores() -> list[Seed]:
    """A trial store."""
    data = _store({"kind": "fuzz"})
    return [Seed("trials.sqlite", data, "sqlite"), Seed("trials.sqlite", data, "bytes")]


def campaigns() -> list[Seed]:
    """A campaign of ask and tell, one of its files or the file of measurements mutated."""
    from bayesopt.cli.campaign import KIND, KNOWN, STORE

    best = [{"string": "CCO", "value": 1.5}]
    table = "id,smiles,predicted_mean,predicted_sd,value\n1,CCO,1,1,3.5\n2,c1ccccc1O,2,1,failed\n"
    config = {"value_column": "value", "maximize": True, "data": "mine.csv", "task": "molecules"}
    files = {
        "config.yaml": yaml.safe_dump(config).encode(),
        "environment.json": json.dumps({"kind": "bayesopt.run ask", "starts": []}).encode(),
        STORE: _store(KIND),
        KNOWN: json.dumps({"measured": 1, "best": best}).encode(),
        "measured.csv": table.encode(),
    }
    hows = {"config.yaml": "yaml", STORE: "sqlite", KNOWN: "json", "measured.csv": "text"}
    names = [*hows.items(), (STORE, "bytes"), ("config.yaml", "text"), ("measured.csv", "text")]
    return [Seed(name, files[name], how, files) for name, how in names]


def options() -> list[Seed]:
    """Command lines, an argument a line."""
    lines = (
        ("run", "--task", "expr", "--budget", "10", "--seeds", "0-3", "--target", "x+1"),
        ("run", "--task", "molecules", "--objective", "0.5*qed", "--max-sa", "4", "--no-alerts"),
        ("run", "--task=strings", "--model", "compact", "--objective", "os:getcwd", "--minimize"),
        ("images", "--dataset", "mnist", "--model-options", '{"weight": 5}', "--epochs", "2"),
        ("grammar", "--grammar", "arithmetic", "--n-data", "100", "--model", "vae"),
        ("molecules", "--data", "builtin", "--properties", "logp,qed", "--latent-dim", "8"),
        ("ask", "--data", "mine.csv", "--value-column", "pIC50", "--maximize"),
        ("improve", "--data", "mine.smi", "--objective", "qed", "--molecules", "2"),
        ("sample", "--n", "3", "--near", "CCO", "--distance", "0.5", "--out", "a.smi"),
    )
    return texts(*("\n".join(line) for line in lines))


def _sdf() -> bytes:
    from rdkit import Chem

    records = []
    for i, smiles in enumerate(SMILES):
        mol = Chem.MolFromSmiles(smiles)
        records.append(f"{Chem.MolToMolBlock(mol)}>  <value>\n{i / 2}\n\n$$$$\n")
    return "".join(records).encode()


def _encoded(image: Any, kind: str) -> bytes:
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


def _npz(**content: Any) -> bytes:
    out = io.BytesIO()
    np.savez_compressed(out, **content)
    return out.getvalue()


def _saved(save: Callable[[Path], None]) -> dict[str, bytes]:
    """Files that a model writes, by name."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        save(Path(folder))
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def _model_seeds(files: dict[str, bytes]) -> list[Seed]:
    """model.json twice as often as the others, each file with its checksum made anew, or not."""
    seeds = [Seed("model.json", files["model.json"], "json", files, True)] * 4
    seeds.append(Seed("model.json", files["model.json"], "text", files))
    for name in files.keys() - {"model.json"}:
        how = "text" if name.endswith(".cfg") else "bytes"
        seeds += [Seed(name, files[name], how, files, sealed) for sealed in (True, True, False)]
    return sorted(seeds, key=lambda seed: seed.name)


def _store(fingerprint: dict[str, Any]) -> bytes:
    """A trial store with scored, failed and waiting trials, a state, a description and a fit."""
    import tempfile

    from bayesopt.storage import SurrogateFit, Trial, TrialStore

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trials.sqlite"
        with TrialStore.open(path, fingerprint) as store:
            code = np.arange(3.0)
            rows = [("CCO", 1.5, False), ("c1ccccc1O", None, True), ("CCN", None, False)]
            store.propose(
                Trial("joint", 0, 0, i, string, score, False, code, code, 1.0, 0.5, failed)
                for i, (string, score, failed) in enumerate(rows, start=1)
            )
            store.save_state("joint", 0, 0, {"lengthscales": code})
            store.describe("joint", 0, 0, {"generations": 1})
            store.save_fit(SurrogateFit(0, 0.5, -1.0, code, code, code))
        return path.read_bytes()
