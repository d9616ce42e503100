"""Tables that set the papers' numbers on images, and of all searches, beside ours."""

from __future__ import annotations

from experiments.tables import image_tables as ours
from experiments.tables import string_tables
from experiments.tables.image_tables import (
    DATASETS,
    PLAIN,
    Key,
    above,
    average,
    called,
    cell,
    groups,
    less,
    result,
    verdict,
)
from experiments.tables.markdown import NOTHING, RESULTS, grid, load, number, read
from experiments.tables.searches import surrogate_quality
from gmae_tf.images.options import preset_of
from gmae_tf.models import MODELS

PAPERS = read(RESULTS / "published.json")
ALL = {**DATASETS, "svhn": "SVHN", "celeba": "CelebA"}
STUDIES = {
    "paper": "network and epochs of the paper",
    "final": "all training images",
    "study": "20,000 training images",
}
PUBLISHED: Key = ("none", 0.0, 1.0)
KINDS = {
    "samples": "fd_prior",
    "ex-post mixture": "fd_ex_post",
    "reconstructions": "fd_reconstruction",
}
GAP = 5.0
GROUPING = ("jointvae", "cascadevae", "vade", "gm-vae", "gmvae", "gmae")
"""Models with groups of their own."""


def preset(data: str, size: str = "small") -> Key:
    """What the command does for a data set by default."""
    options = preset_of(data, size)
    return options["guide"], options.get("sliced_weight", 0.0), options["mean_scale"]


def final(data: str) -> tuple[dict[Key, ours.Rows], ours.Rows | None, ours.Rows | None]:
    """The trainings on all images: every group, the preset's, the plain autoencoder's."""
    results = result(f"final_{data}")
    found = groups(results)
    key = preset(data, results["options"]["size"]) if results else preset(data)
    return found, found.get(key), found.get(PLAIN)


def fid_table() -> list[str]:
    """Published FIDs of images that are in no comparison with ours."""
    papers, lines = PAPERS["fid"], []
    for data in ("svhn", "celeba"):
        rows = [[name, *map(number, values)] for name, values in papers[data].items()]
        lines += [*grid([f"published FID, {ALL[data]}", *papers["columns"]], rows), ""]
    bars = [PAPERS["error_bars"][data] for data in ALL]
    rows = [
        [kind, *(f"{bar[kind][0]:.2f} ± {bar[kind][1]}" for bar in bars)]
        for kind in ("samples", "ex-post mixture")
    ]
    lines += [*grid(["published FID of GMAE, 5 runs", *ALL.values()], rows), ""]
    others = [[name, number(value), source] for name, value, source in PAPERS["mnist"]]
    return lines + grid(["published, MNIST, other models", "FID", "source"], others)


def distance_table() -> list[str]:
    """Our trainings on all images: groups, reconstruction and distances."""
    lines = []
    columns = {"accuracy": "accuracy", "nmi": "NMI", "mse": "MSE"}
    columns |= {name: f"fd_clf, {kind}" for kind, name in KINDS.items()}
    for data, name in DATASETS.items():
        for study in ("paper", "final"):
            results = result(f"{study}_{data}")
            rows = [
                [called(key), *(cell(found, column) for column in columns), gap_of(found)[1]]
                for key, found in groups(results).items()
            ]
            header = [f"{name}, {STUDIES[study]}", *columns.values(), "samples above ex-post"]
            if rows:
                lines += [f"{name}: {ours.about(results)}.", "", *grid(header, rows), ""]
            elif study == "final":
                lines += [f"{name}, {STUDIES[study]}: {NOTHING}.", ""]
    return lines[:-1]


def gap_of(rows: ours.Rows | None) -> tuple[float | None, str]:
    """By how many per cent prior samples are further away than ex-post samples; in words too."""
    gap = above(average(rows, "fd_prior"), average(rows, "fd_ex_post"))
    return gap, number(gap, 1, " %") if rows else NOTHING


def order_table() -> list[str]:
    """Whether the orders of the papers' FIDs are those of our distances."""
    orders = {
        "ex-post mixture below prior samples": ("ex-post mixture", "samples"),
        "reconstructions below the ex-post mixture": ("reconstructions", "ex-post mixture"),
        "interpolations below prior samples": ("interpolations", "samples"),
        "prior samples below the plain autoencoder's ex-post mixture": ("samples", "plain"),
        "ex-post mixture below the plain autoencoder's": ("ex-post mixture", "plain"),
    }
    rows = []
    for data, name in DATASETS.items():
        papers, here, evaluated = published(data), measured(data), moved(data)
        for text, (low, high) in orders.items():
            mine = evaluated if low == "interpolations" else here
            pairs = [(found.get(low), found.get(high)) for found in (papers, mine)]
            signs = [less(*pair) for pair in pairs]
            same = (
                "–"
                if signs[0] is None
                else verdict(None if signs[1] is None else signs[0] == signs[1])
            )
            rows.append([name, text, *(compared(*pair) for pair in pairs), same])
    return grid(["data", "order", "papers, FID", "here, fd_clf", "the same"], rows)


def published(data: str) -> dict[str, float]:
    """FIDs of GMAE by kind of set, and that of the RAE's ex-post mixture."""
    papers = PAPERS["fid"]
    if data not in papers:
        return {kind: value for kind, (value, _) in PAPERS["error_bars"][data].items()}
    gmae, rae = (
        dict(zip(papers["columns"], papers[data][m], strict=True)) for m in ("GMAE", "RAE")
    )
    return {**gmae, "plain": rae["ex-post mixture"]}


def measured(data: str) -> dict[str, float | None]:
    """Our distances of the preset by kind of set, and that of the plain autoencoder."""
    _, mine, plain = final(data)
    found = {kind: average(mine, name) for kind, name in KINDS.items()}
    return {**found, "plain": average(plain, "fd_ex_post")}


def moved(data: str) -> dict[str, float | None]:
    """Distances of the evaluated model, which has interpolations too."""
    generation = result(f"evaluation_{data}").get("generation") or {}
    found = {row["name"]: row["frechet"] for row in generation.get("rows", ())}
    return {**found, "samples": found.get("prior samples")}


def compared(first: float | None, second: float | None) -> str:
    """Two numbers and what lies between them."""
    if first is None or second is None:
        return "–"
    return f"{first:.2f} {'<' if first < second else '≥'} {second:.2f}"


def cluster_table() -> list[str]:
    """Published clusters beside ours."""
    header = ["groups against labels, test images"]
    header += [
        f"{name} {what}" for name in DATASETS.values() for what in ("accuracy", "NMI", "mAP")
    ]
    rows = []
    papers = [PAPERS["clustering"][data] for data in DATASETS]
    for method in papers[0]:
        rows.append([f"{method}, published"])
        for values in (paper[method] for paper in papers):
            rows[-1] += [number(100 * values["accuracy"], 2, " %")]
            rows[-1] += [number(values.get(key)) for key in ("nmi", "map")]
    for study, words in STUDIES.items():
        found = [groups(result(f"{study}_{data}")) for data in DATASETS]
        for key in dict.fromkeys(key for one in found for key in one):
            if study != "study" or key in (PLAIN, PUBLISHED):
                rows.append([f"{called(key)}; {words}"])
                for one in found:
                    rows[-1] += [*(cell(one.get(key), name) for name in ("accuracy", "nmi")), "–"]
    compared = {data: result(f"compare_{data}") for data in DATASETS}
    for model in GROUPING:
        rows.append([f"{MODELS[model].title}; comparison of models"])
        for data in DATASETS:
            own = [r for r in compared[data].get("results", ()) if r["model"] == model] or None
            rows[-1] += [*(cell(own, name) for name in ("accuracy", "nmi")), "–"]
    rows.append(["the evaluated model of each"])
    for data in DATASETS:
        clusters = result(f"evaluation_{data}").get("clusters")
        rows[-1] += [cell(clusters and [clusters], name) for name in ("accuracy", "nmi", "map")]
    return grid(header, rows)


def bar_table() -> list[str]:
    """What was to be reached, whether it was, and what the published loss alone reaches."""
    rows = []
    for data, name in DATASETS.items():
        found, mine, plain = final(data)
        alone = found.get(PUBLISHED) or groups(result(f"study_{data}")).get(PUBLISHED)
        for key, title in (("accuracy", "clustering accuracy"), ("nmi", "NMI")):
            bar = PAPERS["clustering"][data]["GMAE"][key]
            shown = number(100 * bar, 2, " %") if key == "accuracy" else number(bar)
            held = verdict(less(bar, average(mine, key)))
            rows.append([f"{name}: {title} above {shown}", cell(mine, key), held, cell(alone, key)])
        gap, shown = gap_of(mine)
        paper = above(published(data)["samples"], published(data)["ex-post mixture"])
        title = f"{name}: prior samples at most {GAP:g} % above the ex-post mixture"
        held = verdict(None if gap is None else gap <= GAP)
        rows.append([f"{title} (papers: {number(paper, 1)} %)", shown, held, gap_of(alone)[1]])
        kinds = ("fd_prior", "fd_ex_post")
        other = average(plain, "fd_ex_post")
        title = f"{name}: both below the plain autoencoder's ex-post mixture"
        both = [
            " and ".join(cell(one, kind) for kind in kinds) if one else NOTHING
            for one in (mine, alone)
        ]
        held = verdict(*(less(average(mine, kind), other) for kind in kinds))
        rows.append([f"{title} ({cell(plain, 'fd_ex_post')})", both[0], held, both[1]])
    header = ["bar", "preset, all training images", "held", "published loss alone, scale 1"]
    lines = []
    for data, name in DATASETS.items():
        epochs = (result(f"final_{data}").get("options") or preset_of(data, "small"))["epochs"]
        lines.append(f"Preset of {name}: {called(preset(data))}; measured at {epochs} epochs.")
    return [" ".join(lines), "", *grid(header, rows)]


def discrete_table() -> list[str]:
    """Expressions and molecules beside the published numbers."""
    papers = {k: v for k, v in PAPERS["discrete"].items() if k != "source"}
    columns = papers.pop("columns")
    rows = [
        [f"{name}, published", *(value or "–" for value in values)]
        for name, values in papers.items()
    ]
    hidden, best = load("hidden", "expressions"), load("penalized_logp", "molecules")
    sparse, deep = (load(n, "molecules") for n in ("surrogate_sparse", "surrogate"))
    top = [
        ", ".join(f"{row['score']:.{digits}f}" for row in found["top"])
        for found, digits in ((hidden, 2), (best, 2))
    ]
    rows.append(
        [
            "here",
            *surrogate_quality(load("surrogate", "expressions")),
            top[0],
            *surrogate_quality(sparse),
            top[1],
        ]
    )
    rows[-1] += [
        f"{best[key]:.2f} ± {best[f'{key}_standard_error']:.2f}"
        for key in ("validity", "average_score")
    ]
    rows.append(["here, deep kernel", "–", "–", "–", *surrogate_quality(deep), "–", "–", "–"])
    rows += string_tables.reproduction_rows()
    return grid(["", *columns], rows)
