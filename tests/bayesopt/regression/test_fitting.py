"""Formulas that must be found: exact ones in any units, and honest ones where there is noise."""

from __future__ import annotations

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from bayesopt.regression.archive import Fitted, front_of
from bayesopt.regression.fitting import Budget, Found, find_formulas
from bayesopt.regression.insertion import insertions, wanted_values
from bayesopt.regression.library import Library, fingerprints
from bayesopt.regression.population import Population, Settings
from bayesopt.regression.search import Search
from grammar.expressions.constants import Data, fit_constants
from grammar.expressions.forest import Forest, part_values
from grammar.expressions.programs import ADD, VARIABLES, parse, write

X = np.linspace(0, 30, 40)
SOON = Budget(seconds=60, evaluations=60_000)


def found(y: np.ndarray, x: np.ndarray = X, budget: Budget = SOON, **options: object) -> Found:
    columns = x.reshape(len(y), -1)
    names = ["t", "u", "v", "w"][: columns.shape[1]]
    return find_formulas(columns, y, names, budget=budget, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("y", "text"),
    [
        (850 * np.exp(-X / 7.3), "850*exp(-t/7.3)"),
        (3.7 * X + 12.4, "3.7*t + 12.4"),
        (np.full(40, 3.0), "3"),
        (np.full(40, 0.1), "0.1"),
        (5 / (X + 2.5), "5/(t + 2.5)"),
        (1e6 + 0.5 * np.sin(X), "0.5*sin(t) + 1000000"),
        (X + 1, "t + 1"),
    ],
)
def test_exact_formulas_are_found_and_written(y: np.ndarray, text: str) -> None:
    best = found(y).best
    assert str(best) == text
    assert best.exact
    np.testing.assert_allclose(best.predict(X[:, None]), y, rtol=1e-6)


@pytest.mark.parametrize(("unit", "offset"), [(1e9, 0.0), (1e-9, 40.0)])
def test_units_of_y_do_not_matter(unit: float, offset: float) -> None:
    y = unit * (X**2 + 20 * np.sin(X) + offset)
    best = found(y).best
    np.testing.assert_allclose(best.predict(X[:, None]), y, rtol=1e-6, atol=1e-6 * abs(y).max())
    assert best.exact
    assert best.complexity <= 7


@pytest.mark.parametrize("unit", [1e9, 1e-9])
def test_units_of_x_do_not_matter(unit: float) -> None:
    y = 4 + 3 * np.exp(-X / 7.3)
    best = found(y, X * unit).best
    np.testing.assert_allclose(best.predict(X[:, None] * unit), y, rtol=1e-6)


@pytest.mark.parametrize("origin", [1e5, 2e9])
def test_a_column_far_from_zero_is_counted_from_a_number_near_it(origin: float) -> None:
    x = origin + np.linspace(1, 5, 30)
    best = found(3 * (x - origin) + 1, x, Budget(seconds=60, evaluations=58_000)).best
    assert best.complexity == 1
    np.testing.assert_allclose(best.predict(x[:, None]), 3 * (x - origin) + 1, rtol=1e-6)


def test_a_decay_in_unix_time_is_found() -> None:
    time = 1.7e9 + 3600.0 * np.arange(40)
    y = 5 * np.exp(-(time - time[0]) / 86400) + 2
    best = found(y, time).best
    assert best.exact
    assert str(best).endswith("*exp(-(t - 1700070000)/86400) + 2")


def test_linear_algebra_of_a_search_runs_on_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int] = []

    def run(self: Search, end: float, evaluations: float) -> None:
        threads.extend(i["num_threads"] for i in threadpool_info() if i["user_api"] == "blas")
        begin(self, end, evaluations)

    begin = Search.run
    monkeypatch.setattr(Search, "run", run)
    found(3.7 * X + 12.4, budget=Budget(evaluations=1))
    assert set(threads) == {1}


def test_large_values_are_not_clipped() -> None:
    y = 1e5 * X**3
    best = found(y).best
    assert str(best) == "100000*t**3"


def test_several_columns() -> None:
    x = np.random.default_rng(0).uniform(1, 5, (80, 4))
    y = np.sqrt((x[:, 0] - x[:, 1]) ** 2 + (x[:, 2] - x[:, 3]) ** 2)
    best = found(y, x, Budget(seconds=120, evaluations=150_000)).best
    np.testing.assert_allclose(best.predict(x), y, rtol=1e-6)
    assert best.exact


def test_weights_decide_between_two_halves() -> None:
    y = np.where(np.arange(40) % 2, 2 * X + 1, 9 - X)
    weights = np.where(np.arange(40) % 2, 1.0, 0.0)
    few = Budget(evaluations=30_000)
    assert str(found(y, weights=weights, budget=few).best) == "2*t + 1"
    assert str(found(y, weights=1 - weights, budget=few).best) == "-t + 9"


def test_the_same_seed_gives_the_same_front() -> None:
    y = np.tanh(X / 9) + 0.05 * np.random.default_rng(0).normal(size=40)
    few = Budget(evaluations=33_000)
    one, other = (found(y, budget=few, seed=3) for _ in range(2))
    assert list(map(str, one.front)) == list(map(str, other.front))
    assert one.evaluations == other.evaluations
    assert set(one.evaluations) >= {"enumeration", "recombination", "insertion"}


def test_noise_gets_a_short_formula_that_explains_little() -> None:
    y = np.random.default_rng(0).normal(size=40)
    best = found(y, budget=Budget(evaluations=35_000)).best
    assert best.complexity <= 4
    assert best.r2 < 0.5


def test_the_front_has_no_dominated_formula() -> None:
    y = np.sqrt(X) + 0.1 * np.random.default_rng(1).normal(size=40)
    front = found(y, budget=Budget(evaluations=34_000)).front
    sizes, errors = [one.complexity for one in front], [one.rmse for one in front]
    assert sizes == sorted(set(sizes))
    assert errors == sorted(errors, reverse=True)


def scaled(text: str, data: Data, constants: list[float]) -> Fitted:
    fits = fit_constants([parse(text)], data, [constants], 0)
    values = tuple(fits.constants_of(0).tolist())
    numbers = (float(fits.intercepts[0]), float(fits.slopes[0]), float(fits.errors[0]))
    return Fitted(parse(text), values, "test", *numbers)


@pytest.mark.parametrize("function", ["exp({})", "log({})", "sqrt({})", "({}**3)", "tanh({})",
                                      "sin({})", "(x1/{})", "({}*x1)", "(x1-{})"])  # fmt: skip
def test_wanted_values_make_the_whole_equal_y(function: str) -> None:
    """The part is replaced by its wanted values: the whole must be y, in every operation."""
    x = np.random.default_rng(0).uniform(0.5, 1.2, (30, 2))
    text = function.format("(x1+x2)")
    program = parse(text)
    data = Data.of(x, part_values(program, [], x)[0])
    place = program.index(ADD)
    wrong = Fitted(program, (), "test", 0.0, 1.0, 0.0)
    values, weights = wanted_values(wrong, place, data, part_values(program, (), x))
    np.testing.assert_allclose(values, x.sum(axis=1), rtol=1e-8)
    assert (weights > 0).all()


def test_insertion_finds_the_missing_part() -> None:
    x = np.random.default_rng(0).uniform(0.5, 3, (60, 2))
    data = Data.of(x, np.exp(0.2 * x[:, 0]) * (1 + 2 * x[:, 1] ** 2))
    library = Library.build(data, VARIABLES[:2], np.random.default_rng(0))
    parent = scaled("exp((c*x1))", data, [0.2])
    found = insertions([parent] * 30, library, data, np.random.default_rng(0))
    fits = fit_constants([one.program for one in found], data, [one.constants for one in found], 20)
    assert fits.errors.min() < 1e-12


def test_a_library_has_no_twins() -> None:
    data = Data.of(np.random.default_rng(0).uniform(0.5, 3, (50, 2)), np.zeros(50))
    library = Library.build(data, VARIABLES[:2], np.random.default_rng(0))
    assert len(library.programs) > 5_000
    assert len(set(library.keys.tolist())) == len(library.keys)
    sizes = list(map(len, library.programs))
    assert sizes == sorted(sizes)
    assert {"exp(x1)", "(x1*x2)", "sin((c*x2))"} <= set(map(write, library.programs))


def test_fingerprints_know_functions_up_to_scaling() -> None:
    x = np.random.default_rng(0).uniform(0.5, 3, (50, 2))
    programs = [parse(t) for t in ("(x1*(x2+x1))", "((x1*x2)+(x1**2))", "(x1+x2)", "log((x1-x1))")]
    values = Forest(programs).values(x, np.zeros(0))
    weights = np.full(50, 0.02)
    one, other, different, undefined = fingerprints(values, weights)
    assert fingerprints(3 - 2 * values[:1], weights)[0] == one == other
    assert different not in (one, 0)
    assert undefined == 0


def test_no_function_is_fitted_twice() -> None:
    x = np.random.default_rng(0).uniform(0.5, 3, (50, 2))
    population = Population(Data.of(x, x[:, 0] ** 2), Settings())
    from bayesopt.regression.archive import Candidate

    texts = ["(x1*(x2+x1))", "((x1*x2)+(x1**2))", "(x2*x1)", "(x1*x2)"]
    population.try_all([Candidate(parse(text), (), "test") for text in texts])
    assert population.proposed["test"] == 2


def test_a_search_ends_at_an_exact_formula() -> None:
    data = Data.of(X[:, None], 2 * X - 3)
    search = Search(data, zero=0.0)
    search.run()
    assert search.finished
    assert write(front_of(search.archive.members())[0].program) == "x1"
