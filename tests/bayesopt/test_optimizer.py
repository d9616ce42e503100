"""The optimizer on a grid whose optimum is known, with an exact Gaussian process in NumPy."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import bayesopt
from bayesopt.acquisition.candidates import Candidates
from bayesopt.dataset import Dataset
from bayesopt.one_call import search
from bayesopt.optimizer import UNASKED, Optimizer
from bayesopt.space import CandidateConfig, SearchSpace
from bayesopt.trials.stopping import ObjectiveError
from gmae_tf.errors import UserError
from tests.bayesopt.toy import CountingScore, ExactGP, GridCodec, grid_data, grid_space

DATA = grid_data()
CODES = GridCodec().encode(DATA.strings)
WORST = 1e4


def make(storage: Path | None = None, *, space: dict | None = None, **settings) -> Optimizer:
    given = {"batch_size": 10, "points": None, "held_out": 0.1, "refit": False, **settings}
    return Optimizer(
        grid_space(**(space or {})),
        DATA,
        maximize=False,
        surrogate=ExactGP,
        failed_value=WORST,
        storage=storage,
        **given,
    )


def run(optimizer: Optimizer, budget: int, score=None) -> Optimizer:
    return optimizer.run(score or CountingScore(), budget, vectorized=True)


def rows(optimizer):
    return [(t.evaluation, t.batch, t.string, t.score, t.predicted_mean) for t in optimizer.trials]


@pytest.mark.parametrize("strategy", ["joint", "ei", "random", "prior"])
def test_strategy_proposes_distinct_strings_with_their_own_codes(strategy):
    batch = make(strategy=strategy).ask(8)
    assert len(batch) == len(set(batch)) == 8
    trials = batch.trials
    assert np.array([t.code for t in trials]) == pytest.approx(GridCodec().encode(batch))
    assert [t.evaluation for t in trials] == list(range(1, 9))
    if strategy in ("joint", "ei"):
        assert not set(batch) & set(DATA.strings)
        assert (batch.sd > 0).all()


@pytest.mark.parametrize("strategy", ["joint", "ei"])
def test_surrogate_strategies_find_the_hidden_optimum(strategy):
    budget = {"joint": 40, "ei": 20}[strategy]
    optimizer = run(make(strategy=strategy), budget)
    assert len(optimizer.trials) == budget
    best = optimizer.best(1)
    assert (best.string[0], best.value[0]) == ("7,-3", 0.0)


def test_random_strings_do_not_find_what_is_not_among_them():
    optimizer = run(make(strategy="random"), 40)
    assert optimizer.best(1).value[0] > 20
    assert all(t.in_training_data for t in optimizer.trials)


def test_resumed_search_equals_an_uninterrupted_one(tmp_path):
    whole = run(make(), 30)
    first = run(make(tmp_path / "cut.sqlite"), 10)
    asked = list(first.ask(10))  # stopped here: proposed, never scored
    first.close()
    second = make(tmp_path / "cut.sqlite")
    assert list(second.ask(10)) == asked
    assert rows(run(second, 30)) == rows(whole)


def test_finished_search_evaluates_nothing_more(tmp_path):
    run(make(tmp_path / "t.sqlite"), 10).close()
    score = CountingScore()
    run(make(tmp_path / "t.sqlite"), 10, score)
    assert score.asked == []


def test_storage_of_another_search_is_refused(tmp_path):
    make(tmp_path / "t.sqlite").close()
    with pytest.raises(UserError, match="maximize"):
        Optimizer(grid_space(), DATA, maximize=True, storage=tmp_path / "t.sqlite")


def test_strings_scored_by_another_seed_are_not_paid_again():
    one = run(make(strategy="random", seed=1), 30)
    score = CountingScore()
    run(make(one.store, strategy="random", seed=2), 60, score)
    known = {t.string for t in one.trials}
    assert score.asked
    assert not set(score.asked) & known
    assert len(score.asked) == len(set(score.asked))


def test_codes_that_decode_to_nothing_get_the_failed_value():
    optimizer = make()
    zero = np.zeros((1, 2))
    optimizer.journal.propose(Candidates(strings=[None], origins=zero, codes=zero), 0)
    run(optimizer, 1)
    assert [t.score for t in optimizer.trials] == [WORST]


def test_no_budget_only_fits_and_tests_the_surrogate():
    optimizer = run(make(), 0)
    (fit,) = optimizer.store.load_fits()
    assert optimizer.trials == []
    residual = fit.truth - fit.mean
    assert fit.rmse == pytest.approx(np.sqrt(np.mean(residual**2)))
    assert fit.rmse < fit.truth.std()


def even(strings):
    return np.array([int(s.split(",")[0]) % 2 == 0 for s in strings])


@pytest.mark.parametrize("strategy", ["joint", "ei", "random", "prior"])
def test_what_violates_a_constraint_is_never_evaluated(strategy):
    optimizer = run(make(space={"constraints": even}, strategy=strategy), 10)
    assert optimizer.trials
    assert even([t.string for t in optimizer.trials]).all()


def test_constraints_that_no_known_string_satisfies_are_an_error():
    with pytest.raises(UserError, match="no known string satisfies"):
        make(space={"constraints": lambda strings: np.zeros(len(strings), dtype=bool)})


def test_impossible_constraints_end_the_search():
    known = set(DATA.strings)
    space = {"constraints": lambda strings: np.array([s in known for s in strings], dtype=bool)}
    assert run(make(space=space), 10).trials == []


def test_constraints_are_checked_once_for_each_new_string():
    optimizer, asked = make(space={"constraints": even}), []
    optimizer.space._constraints = lambda strings: asked.extend(strings) or even(strings)
    optimizer.ask(5)
    assert len(asked) == len(set(asked)) > 0
    assert not set(asked) & set(DATA.strings)


def test_novel_spaces_propose_nothing_from_the_training_data():
    hidden = {f"{a},{b}" for a in range(-50, 51) for b in range(-50, 51) if a > b}
    optimizer = run(make(space={"novel": True, "training_strings": hidden}), 20)
    assert optimizer.trials
    assert not any(t.in_training_data for t in optimizer.trials)


def test_candidates_surround_the_given_centres():
    row = int(np.argmax(DATA.values))  # the worst known string
    centred, free = make(centres=np.array([row])).ask(10), make().ask(10)
    near, far = (
        np.linalg.norm(np.array([t.code for t in batch.trials]) - CODES[row], axis=1).mean()
        for batch in (centred, free)
    )
    assert near < far


def test_failed_trials_are_neither_waited_for_nor_asked_again():
    optimizer = Optimizer(grid_space(), DATA, maximize=False, surrogate=ExactGP)
    first = optimizer.ask(4)
    optimizer.tell(first, [1.0, 2.0, np.nan, np.nan])
    second = optimizer.ask(4)
    assert [t.evaluation for t in second.trials] == [5, 6, 7, 8]
    assert {t.batch for t in second.trials} == {1}
    assert not set(second) & set(first)
    assert len(optimizer.best(9)) == 2


def test_failures_count_in_the_budget():
    optimizer = Optimizer(grid_space(), DATA, maximize=False, surrogate=ExactGP, batch_size=5)
    optimizer.run(lambda string: np.nan, 10)
    assert optimizer.trials == []
    assert sum(t.failed for t in optimizer.store.trials()) == 10


def test_refitted_surrogate_takes_all_points_and_needs_no_state():
    optimizer = make(held_out=0.0, refit=True)
    assert len(optimizer.training_points()[1]) == len(DATA)
    optimizer.tell(optimizer.ask(5), np.arange(5.0))
    assert len(optimizer.training_points()[1]) == len(DATA) + 5
    assert len(optimizer.ask(5)) == 5
    assert optimizer.store.load_fits() == []


def coordinates(strings):
    """Features of grid points: their coordinates, not their codes."""
    return np.array([[float(n) for n in s.split(",")] for s in strings]).reshape(-1, 2)


def neighbours(parents, rng):
    """Children of grid points: a step of one in each direction."""
    points = coordinates(parents) + rng.integers(-1, 2, size=(len(parents), 2))
    return [f"{int(a)},{int(b)}" for a, b in points] + [None]


EVOLVING = CandidateConfig(centres=20, chains=20, steps=3, children=60, generations=4)


def evolving(storage=None, *, candidates=EVOLVING, **parts) -> Optimizer:
    parts = {"recombine": neighbours, "features": coordinates, **parts}
    return make(storage, space=parts, candidates=candidates)


def test_evolution_reaches_what_no_decode_reaches():
    class Blind(GridCodec):
        def decode(self, codes):
            return [None] * len(codes)

    optimizer = run(evolving(codec=Blind()), 100)
    assert optimizer.best(1).value[0] == 0.0
    strings = [t.string for t in optimizer.trials]
    assert len(set(strings)) == len(strings)
    assert not set(strings) & set(DATA.strings)


def test_surrogate_reads_features_where_there_are_any():
    read = []

    def spied(strings):
        read.extend(strings)
        return coordinates(strings)

    optimizer = run(evolving(features=spied), 10)
    assert set(DATA.strings) <= set(read)
    points, scores = optimizer.training_points()
    found = [t.string for t in optimizer.trials]
    known = [DATA.strings[row] for row in optimizer.split.train]
    assert points == pytest.approx(coordinates([*known, *found]))
    assert len(scores) == len(points)
    plain = run(evolving(features=None), 10)
    codes = CODES[plain.split.train]
    assert plain.training_points()[0][: len(codes)] == pytest.approx(codes)


def test_strings_of_one_key_are_evaluated_once():
    def halves(strings):
        return [tuple(int(n) // 2 for n in s.split(",")) for s in strings]

    optimizer = run(evolving(equivalent=halves), 20)
    learnt = halves([DATA.strings[row] for row in optimizer.split.train])
    assert len(learnt) == len(set(learnt))
    keys = halves([t.string for t in optimizer.trials])
    assert len(keys) == len(set(keys)) == 20
    assert not set(keys) & set(halves(DATA.strings))


def test_resumed_evolution_equals_an_uninterrupted_one(tmp_path):
    whole = run(evolving(), 30)
    run(evolving(tmp_path / "cut.sqlite"), 10).close()
    assert rows(run(evolving(tmp_path / "cut.sqlite"), 30)) == rows(whole)


def test_a_surrogate_of_counts_reads_the_noise_of_values():
    space = grid_space(counts={"digits": digits}, recombine=neighbours)
    optimizer = Optimizer(space, DATA, maximize=False)
    first, second = optimizer.ask(2)
    optimizer.tell([first, second], [1.0, 2.0])
    assert optimizer.training_points()[0].noise is None
    before = optimizer.predict([first]).predicted_mean[0]
    optimizer.tell([first], [1.0], noise=[20.0])
    assert optimizer.training_points()[0].noise.tolist() == [*np.zeros(len(DATA)), 20.0, 0.0]
    assert optimizer.predict([first]).predicted_mean[0] != pytest.approx(before, abs=0.01)


def test_the_worst_scores_are_held_down_to_one_value():
    optimizer = run(make(winsorized=0.2), 10)
    known = DATA.values[optimizer.split.train]
    _, scores = optimizer.training_points()
    assert scores.max() == pytest.approx(np.quantile(known, 0.8))
    assert np.mean(scores[: len(known)] == scores.max()) == pytest.approx(0.2, abs=0.02)
    kept = known < scores.max()
    assert scores[: len(known)][kept] == pytest.approx(known[kept])


def test_each_source_alone_and_both_find_the_optimum():
    for sources in (("latent",), ("evolution",), ("latent", "evolution")):
        optimizer = run(make(space={"recombine": neighbours}, sources=sources), 40)
        assert optimizer.best(1).value[0] == 0.0
        assert {t.source for t in optimizer.trials} <= set(sources)
        shares = optimizer.shares()
        for kind in ("evaluations", "best"):
            assert sum(share[kind] for share in shares.values()) == pytest.approx(1.0)


def digits(strings):
    """Counts of parts of grid points: tens and ones of a number, in unary."""
    found = []
    for string in strings:
        a, b = (int(n) + 60 for n in string.split(","))
        found.append({"a": a, "b": b})
    return found


def test_the_default_surrogate_counts_parts_and_says_so():
    space = grid_space(counts={"digits": digits}, recombine=neighbours)
    optimizer = Optimizer(space, DATA, maximize=False, batch_size=10)
    optimizer.run(CountingScore(), 40, vectorized=True)
    assert optimizer.best(1).value[0] == 0.0
    batches = optimizer.store.descriptions("joint", 0)
    assert len(batches) == 4
    assert set(batches[0]["kernel"]) <= {"digits", "codes"}
    assert set(batches[0]["held_out_log_likelihood"]) == {"digits", "digits, codes"}
    assert sum(batches[0]["proposed"]) + batches[0]["jumps"] == 150 * 6
    assert batches[0]["latent_candidates"] > 0 < batches[0]["evolution_candidates"]


def test_known_values_of_another_scale_give_the_same_search():
    space, scaled = grid_space(counts={"digits": digits}), Dataset(DATA.strings, 7 * DATA.values)
    one = Optimizer(space, DATA, maximize=False).ask(5)
    assert list(one) == list(Optimizer(space, scaled, maximize=False).ask(5))


# ---------------------------------------------------------------- doors


def test_maximizing_the_negative_is_minimizing():
    low = run(make(), 30)
    flipped = Dataset(DATA.strings, -DATA.values)
    high = Optimizer(
        grid_space(),
        flipped,
        maximize=True,
        surrogate=ExactGP,
        held_out=0.1,
        points=None,
        refit=False,
        failed_value=-WORST,
    )
    high.run(lambda s: -float(CountingScore()([s])[0]), 30)
    assert rows(high) == rows(low)
    a, b = low.best(30), high.best(30)
    assert (a.string == b.string).all()
    for column in ("value", "predicted_mean"):
        assert b[column].to_numpy() == pytest.approx(-a[column].to_numpy())
    assert b.predicted_sd.to_numpy() == pytest.approx(a.predicted_sd.to_numpy())


def test_strings_that_were_not_asked_may_be_told():
    optimizer = make(held_out=0.0)
    optimizer.tell(["7,-2", "6,-3"], [1.0, np.nan])  # before anything was asked; one failed
    assert [t.batch for t in optimizer.trials] == [UNASKED, UNASKED]
    batch = optimizer.ask(3)
    assert not {"7,-2", "6,-3"} & set(batch)
    assert {t.batch for t in batch.trials} == {0}
    optimizer.tell(list(batch), [5.0, 6.0, 7.0])  # asked strings, told as plain strings
    assert optimizer.best(1).string[0] == "7,-2"
    assert np.isnan(optimizer.best(1).predicted_mean[0])
    assert optimizer.store.pending("joint", 0) == []
    assert len(optimizer.training_points()[1]) == len(DATA) + 5
    with pytest.raises(
        UserError, match="7,-2 was told as 1 and is now 3: tell it with replace=True"
    ):
        optimizer.tell(["7,-2"], [3.0])


def test_batches_that_are_out_are_believed_and_not_asked_again():
    optimizer = make(held_out=0.0, refit=True)
    first = optimizer.ask(5)
    assert list(optimizer.ask(5)) == list(first) == list(optimizer.pending)
    second = optimizer.ask(5, more=True)
    assert not set(first) & set(second)
    assert {t.batch for t in second.trials} == {1}
    assert list(optimizer.pending) == [*first, *second]
    optimizer.tell(second[1:3], [4.0, 5.0])  # partly, the later batch first
    assert list(optimizer.pending) == [*first, second[0], *second[3:]]
    # A string that waits is as good as measured: the surrogate expects nothing new beside it.
    state = optimizer._state(optimizer.journal.trials())
    state.surrogate = optimizer.fitter.for_batch(state, 2)
    believed = optimizer.fitter.believing(state, first.trials, 2)
    codes = GridCodec().encode(first)
    before, after = (s.surrogate.predict(codes) for s in (state, believed))
    assert after[0] == pytest.approx(before[0], abs=0.2 * before[0].std())
    assert (after[1] < 0.5 * before[1]).all()


def test_told_values_are_replaced_when_that_is_said():
    optimizer = Optimizer(grid_space(), DATA, maximize=False, surrogate=ExactGP)
    batch = optimizer.ask(3)
    optimizer.tell(batch, [1.0, 2.0, 3.0], noise=[0.1, np.nan, 0.2])
    with pytest.raises(UserError, match="was told as 1 and is now 9"):
        optimizer.tell(list(batch), [9.0, 2.0, 4.0], replace=False)
    assert optimizer.results().value.tolist() == [1.0, 2.0, 3.0]  # all or nothing
    optimizer.tell(list(batch), [1.0, np.nan, 3.0])  # what is told stays where there is nothing new
    optimizer.tell(list(batch), [1.0, 2.0, 4.0], replace=True)
    table = optimizer.results()
    assert table.value.tolist() == [1.0, 2.0, 4.0]
    assert table.noise.tolist()[::2] == [0.1, 0.2]
    assert table.status.tolist() == ["told"] * 3
    assert table.deviation.to_numpy() == pytest.approx(table.value - batch.mean)
    optimizer.tell(list(batch)[:1], [np.nan], replace=True)
    assert optimizer.results().status.tolist() == ["failed", "told", "told"]


def test_predictions_are_those_that_the_next_batch_has():
    optimizer = Optimizer(grid_space(), DATA, maximize=True, surrogate=ExactGP)
    optimizer.tell(optimizer.ask(6), np.arange(6.0))
    strings = [f"{a},{b}" for a in range(-50, 51) for b in range(-50, 51)]
    predicted = optimizer.predict(strings).set_index("string")
    batch = optimizer.ask(4)
    shared = [i for i, string in enumerate(batch) if string in predicted.index]
    rows = predicted.loc[[batch[i] for i in shared]]
    assert shared
    assert rows.predicted_mean.to_numpy() == pytest.approx(batch.mean[shared])
    assert rows.predicted_sd.to_numpy() == pytest.approx(batch.sd[shared])
    with pytest.raises(UserError, match="needs the strategy joint or ei and 10 known values"):
        make(strategy="random").predict(["1,1"])
    with pytest.raises(UserError, match="single string '1,1'"):
        optimizer.predict("1,1")


def test_searches_stop_at_a_target_or_without_progress():
    optimizer = make()
    optimizer.run(lambda s: float(CountingScore()([s])[0]), 60, target=0.0)
    values = optimizer.results().value
    assert optimizer.stopped == "the target 0 is reached"
    assert values[values.last_valid_index()] == 0.0
    assert (values.dropna() == 0).sum() == 1
    idle = make(strategy="random").run(lambda s: 7.0, 60, patience=12)
    assert idle.stopped == "no progress in the last 12 evaluations"
    assert len(idle.trials) == 13
    late = make(strategy="random").run(lambda s: 7.0, 60, seconds=1e-9)
    assert (late.stopped, late.trials) == ("1e-09 s are over", [])


def test_an_objective_that_raises_loses_nothing(tmp_path):
    calls = []

    def fragile(string):
        calls.append(string)
        if len(calls) == 7:
            raise ZeroDivisionError("no more")
        return float(CountingScore()([string])[0])

    given = {"dataset": DATA, "surrogate": ExactGP, "maximize": False, "batch_size": 5}
    with pytest.raises(ObjectiveError, match=r"ZeroDivisionError \(no more\).* 6 values") as raised:
        search(fragile, grid_space(), 12, **given)
    assert len(raised.value.found) == 6
    calls.clear()
    path = tmp_path / "s.sqlite"
    with pytest.raises(ObjectiveError, match=r"s\.sqlite, with which as storage"):
        search(fragile, grid_space(), 12, storage=path, **given)
    assert len(search(fragile, grid_space(), 12, storage=path, **given)) == 12
    assert len(calls) == 13  # one was asked twice, the one that failed


def test_search_without_data_begins_with_the_prior():
    space = SearchSpace(GridCodec(), sample_prior=lambda n, rng: rng.normal(0, 1, (n, 2)))
    found = search(lambda s: -float(CountingScore()([s])[0]), space, budget=60, surrogate=ExactGP)
    assert len(found) == 60
    assert found.value.is_monotonic_decreasing
    assert found.string[0] == "7,-3"
    assert np.isnan(found.predicted_mean[found.batch == 0]).all()
    assert not np.isnan(found.predicted_mean[found.batch > 0]).any()


def test_codec_that_spells_strings_gets_its_own_spelling():
    class Spelling(GridCodec):
        def normalize(self, string):
            return string.replace(" ", "") if "," in string else None

    data = Dataset([s.replace(",", ", ") for s in DATA.strings], DATA.values)
    optimizer = Optimizer(SearchSpace(Spelling()), data, maximize=False, surrogate=ExactGP)
    assert optimizer.strings == DATA.strings
    optimizer.tell(["7, -3"], [0.0])
    assert optimizer.best(1).string[0] == "7,-3"
    with pytest.raises(UserError, match="'x' is not a string that the model reads"):
        optimizer.tell(["x"], [1.0])


@pytest.mark.parametrize(
    ("mistake", "sentence"),
    [
        (lambda: Dataset("CCO", [1.0]), "single string 'CCO'"),
        (lambda: Dataset(None, None), "give a list of strings, not None"),
        (lambda: make().tell(None, None), "give a list of strings, not None"),
        (lambda: make().predict(5), "give a list of strings, not 5"),
        (lambda: make(points="x"), "points is 'x': give a whole number, 1 or more"),
        (lambda: make(held_out=1.5), "held_out is 1.5: give a share"),
        (lambda: make(storage=5), "storage is 5: give the path of a file"),
        (lambda: make(candidates=3), "candidates is 3: give a CandidateConfig"),
        (lambda: Optimizer(GridCodec(), maximize="yes"), "maximize is 'yes': give a bool"),
        (lambda: Optimizer(GridCodec(), maximize=True, failed_value="x"), "failed_value is 'x'"),
        (lambda: Dataset(["a", "b"], [1.0]), "2 strings need as many values"),
        (lambda: Dataset(["a", 3], [1.0, 2.0]), "3 is a int"),
        (lambda: Dataset(["a"], ["high"]), "not numbers"),
        (lambda: Dataset(["a"], [np.inf]), "infinite"),
        (lambda: Dataset(["a"], [1.0], [[1.0], [2.0]]), "codes of shape"),
        (lambda: SearchSpace("model"), "no latent_dim"),
        (lambda: make(strategy="best"), "strategy is 'best': choose joint, ei, random, prior"),
        (lambda: make().ask(0), "1 or more"),
        (lambda: make().ask(1.5), "is 1.5: give a whole number"),
        (lambda: make().best(-1), "n is -1: give a whole number, 0 or more"),
        (
            lambda: Optimizer(grid_space(), DATA, maximize=True, surrogate="foo"),
            "surrogate is 'foo': give a SurrogateConfig or a function",
        ),
        (
            lambda: search(len, GridCodec(), 3, dataset=(["1,1"], [1.0])),
            r"dataset is a tuple: give Dataset\(strings, values\)",
        ),
        (lambda: make().tell(["1,1"], [1.0, 2.0]), "1 strings need"),
        (lambda: make(batch_size=0), "batch_size"),
        (lambda: make(revisit=True), "use ei with revisit"),
        (lambda: make(sources=("random",)), "cannot come from random"),
        (lambda: make(sources=()), "cannot come from nowhere"),
        (lambda: make(sources="l"), "cannot come from l:"),
        (lambda: make(sources=5), "sources are 5: give names among latent, evolution"),
        (lambda: search(len, GridCodec(), 3, batchsize=4), "no setting 'batchsize': choose among"),
        (lambda: search(len, GridCodec(), 1.5), "budget is 1.5: give a whole number"),
        (lambda: make().run(len, 3, patience=0), "patience is 0"),
        (lambda: make().run(len, 3, seconds=-1), "seconds is -1"),
        (lambda: make().run(len, 3, target="x"), "target is 'x'"),
        (lambda: make().tell(["1,1"], [1.0], noise=[-0.1]), "noise is -0.1"),
        (lambda: grid_space(near=["1,1"]), "near a string or None"),
        (lambda: make(reads="foo"), "reads is 'foo': choose counts, features, codes"),
        (lambda: make(seed=-1), "seed is -1"),
        (lambda: grid_space(unconstrained="x"), "unconstrained is True or False"),
        (lambda: grid_space(near=5), "near a string or None"),
        (lambda: grid_space(constraints="1 <= logp"), "give a function of strings"),
        (
            lambda: Optimizer(
                grid_space(), Dataset(["1,1"], [1.0], [[1.0]]), maximize=True, surrogate=ExactGP
            ),
            "2 latent dimensions",
        ),
        (
            lambda: SearchSpace(
                SimpleNamespace(
                    latent_dim=1, encode=None, decode=None, network=SimpleNamespace(has_prior=False)
                )
            ).sample_prior(3, None),
            "without a prior",
        ),
    ],
)
def test_mistakes_are_one_sentence(mistake, sentence):
    with pytest.raises(UserError, match=sentence):
        mistake()


WITHOUT = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("tensorflow", "gpflow", "keras", "rdkit"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Hidden())
import bayesopt
from gmae_tf.errors import UserError
from tests.bayesopt.toy import ExactGP, grid_data, grid_space
opt = bayesopt.Optimizer(grid_space(), grid_data(), maximize=False, surrogate=ExactGP)
assert len(opt.ask(3)) == 3
opt = bayesopt.Optimizer(grid_space(), grid_data(), maximize=False, strategy="random")
assert len(opt.ask(3)) == 3
for call in (
    lambda: bayesopt.Optimizer(grid_space(), grid_data(), maximize=False),
    lambda: bayesopt.Optimizer(grid_space(), grid_data(), maximize=False, strategy="ei"),
    lambda: __import__("bayesopt.run").run.search(__import__("bayesopt.run").run.RunConfig()),
):
    try:
        call()
    except UserError as error:
        assert "needs TensorFlow and GPflow" in str(error), error
    else:
        raise SystemExit("no error")
"""


def test_without_gpflow_there_is_one_sentence_and_other_surrogates_work(run_cli):
    done = run_cli("-c", WITHOUT)
    assert done.returncode == 0, done.stderr


def test_doors_are_lazy_and_listed(run_cli):
    assert sorted(bayesopt.__all__) == [
        *("Dataset", "Optimizer", "SearchSpace", "SparseGP", "SymbolicRegressor", "search")
    ]
    assert bayesopt.Optimizer is Optimizer
    light = "import sys, bayesopt; sys.exit(any(m in sys.modules for m in ('numpy', 'tensorflow')))"
    assert run_cli("-c", light).returncode == 0


def test_a_model_is_a_space_of_its_own():
    optimizer = Optimizer(GridCodec(), DATA, maximize=False)
    assert isinstance(optimizer.space, SearchSpace)


@pytest.mark.parametrize(
    ("objective", "budget", "complaint"),
    [
        ("qed", 3, "the objective is 'qed': give a function"),
        (len, -1, "budget is -1: give a whole number"),
    ],
)
def test_a_search_needs_a_function_and_a_budget(objective, budget, complaint):
    with pytest.raises(UserError, match=complaint):
        search(objective, GridCodec(), budget)
