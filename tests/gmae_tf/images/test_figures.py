"""Pictures: every pixel in its place, the right curves over the right data."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.stats import norm

from gmae_tf.images import figures
from gmae_tf.images.figures import BREAK, GAP, compose, marginal
from gmae_tf.prior import GaussianMixture
from gmae_tf.utils.plotting import DPI, WIDTH, Picture, png


def opened(figure) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png(figure))).convert("RGB"))


def random_images(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@settings(max_examples=25, deadline=None)
@given(
    rows=st.integers(1, 4),
    columns=st.integers(1, 4),
    channels=st.sampled_from([1, 3]),
    row_breaks=st.sets(st.integers(1, 3)),
    column_breaks=st.sets(st.integers(1, 3)),
)
def test_compose_puts_every_image_on_its_place(rows, columns, channels, row_breaks, column_breaks):
    cells = random_images(rows, columns, 3, 5, channels)
    mosaic, tops, lefts = compose(cells, tuple(row_breaks), tuple(column_breaks))
    covered = np.zeros(mosaic.shape[:2], dtype=bool)
    for r in range(rows):
        for c in range(columns):
            place = np.s_[tops[r] : tops[r] + 3, lefts[c] : lefts[c] + 5]
            assert (mosaic[place] == cells[r, c]).all()
            assert not covered[place].any()
            covered[place] = True
    assert (mosaic[~covered] == 255).all()
    for r in range(1, rows):
        assert tops[r] - tops[r - 1] - 3 == (BREAK if r in row_breaks else GAP)


def test_compose_refuses_other_shapes():
    with pytest.raises(ValueError, match=r"\[R, C, H, W, 1 or 3\]"):
        compose(random_images(2, 3, 4, 4))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_drawn_grid_is_the_mosaic_in_whole_pixels(channels):
    cells = random_images(3, 4, 16, 16, channels)
    picture = opened(figures.image_grid(cells))
    mosaic, _, _ = compose(cells)
    zoom = round(6 * DPI / mosaic.shape[1])
    assert zoom > 1
    assert np.array_equal(picture, mosaic.repeat(zoom, 0).repeat(zoom, 1))


@pytest.mark.parametrize("channels", [1, 3])
def test_an_animation_has_all_frames_and_begins_again(channels):
    frames = random_images(4, 6, 16, 16, channels)
    file = Image.open(io.BytesIO(figures.animation(frames, turns=[0, 2])))
    assert (file.n_frames, file.info["loop"]) == (4, 0)
    durations = []
    for t, frame in enumerate(frames):
        file.seek(t)
        durations.append(file.info["duration"])
        mosaic, _, _ = compose(frame[None, :5])
        zoom = round(6 * DPI / mosaic.shape[1])
        shown = np.asarray(file.convert("RGB"))
        assert np.array_equal(shown, mosaic.repeat(zoom, 0).repeat(zoom, 1))
    assert durations == [800, 80, 800, 80]


def test_labels_and_headings_stand_outside_the_images():
    cells = np.zeros((2, 3, 16, 16, 1), dtype=np.uint8)
    plain = opened(figures.image_grid(cells))
    picture = opened(figures.image_grid(cells, row_labels=["a", "$x_{"], headings=[(0, "over")]))
    height, width = plain.shape[:2]
    assert np.array_equal(picture[-height:, -width:], plain)
    assert (picture[:-height] < 128).any()  # the heading is written
    assert (picture[:, :-width] < 128).any()  # and the labels


def test_pairs_of_rows_alternate():
    images, reconstructions = random_images(20, 8, 8, 1), 255 - random_images(20, 8, 8, 1)
    picture = opened(figures.reconstruction_pairs(images, reconstructions))
    rows = np.stack([figures.square(a, 10) for a in (images, reconstructions)], axis=1)
    mosaic, _, _ = compose(rows.reshape(4, 10, 8, 8, 1), row_breaks=(2,))
    zoom = picture.shape[0] // mosaic.shape[0]
    assert np.array_equal(
        picture[:, -zoom * mosaic.shape[1] :], mosaic.repeat(zoom, 0).repeat(zoom, 1)
    )


def test_square_drops_an_unfinished_row():
    images = random_images(7, 4, 4, 1)
    assert np.array_equal(figures.square(images, 3), images[:6].reshape(2, 3, 4, 4, 1))


def test_interpolations_and_neighbours_show_all_images():
    a, steps = random_images(2, 6, 6, 1), random_images(2, 5, 6, 6, 1)
    both = opened(figures.interpolation_rows(steps, a, a))
    ends = opened(figures.interpolation_rows(steps, a, 255 - a))
    assert (both != ends).any(axis=(0, 2)).argmax() > 0.8 * both.shape[1]  # only the right end
    near = opened(figures.neighbour_rows(a, steps, steps))
    far = opened(figures.neighbour_rows(a, steps, 255 - steps))
    assert (near != far).any(axis=(0, 2)).argmax() > 0.5 * near.shape[1]
    alone = figures.neighbour_rows(a, steps, None)
    assert [text.get_text() for text in alone.texts] == ["sample", "nearest in pixels"]


def test_two_sets_side_by_side():
    left, right = random_images(16, 6, 6, 3), 255 - random_images(16, 6, 6, 3)
    both = opened(figures.side_by_side(left, right, ("prior", "ex-post")))
    swapped = opened(figures.side_by_side(left, left, ("prior", "ex-post")))
    assert (both != swapped).any(axis=(0, 2)).argmax() > 0.5 * both.shape[1]


def test_informative_pairs_take_the_axes_of_the_components_first():
    means = np.zeros((3, 6))
    means[0, 4], means[1, 1], means[2, 3] = 9.0, 5.0, 3.0
    pairs = figures.informative_pairs(GaussianMixture(means), 2)
    assert pairs[0] == (1, 4)
    assert pairs[1][1] == 3
    one_hot = figures.informative_pairs(GaussianMixture.one_hot(10, 16, 4.0))
    assert one_hot == [(0, 1), (2, 3), (4, 5), (6, 7), (8, 9), (10, 11)]


def test_informative_pairs_of_few_dimensions():
    assert figures.informative_pairs(GaussianMixture.standard_normal(2)) == [(0, 1)]
    assert len(figures.informative_pairs(GaussianMixture.standard_normal(3))) == 3


def test_marginals_are_those_of_the_mixture():
    rng = np.random.default_rng(0)
    factor = rng.normal(size=(3, 4, 4))
    covariances = factor @ factor.transpose(0, 2, 1) + np.eye(4)
    prior = GaussianMixture(rng.normal(size=(3, 4)), covariances, [1, 2, 3])
    t = np.linspace(-5, 5, 7)
    expected = sum(
        w * norm.pdf(t, m[2], np.sqrt(c[2, 2]))
        for w, m, c in zip(prior.weights, prior.means, prior.covariances, strict=True)
    )
    assert np.allclose(np.exp(marginal(prior, [2]).log_prob(t[:, None])), expected)


def test_pictures_of_codes():
    rng = np.random.default_rng(0)
    prior = GaussianMixture.one_hot(3, 5, 4.0)
    labels = rng.integers(0, 3, 400)
    codes = prior.means[labels] + rng.normal(size=(400, 5))
    pairs = figures.informative_pairs(prior)
    coloured = figures.latent_pairs(codes, prior, pairs, labels, ("cat", "dog", "cow"))
    texts = [text.get_text() for text in coloured.legends[0].get_texts()]
    assert texts == ["cat", "dog", "cow", "prior (50, 90, 99 %)"]
    assert coloured.axes[0].get_title("left") == "z1, z2"
    plain = figures.latent_pairs(codes, None, pairs)
    assert len(plain.legends[0].get_texts()) == 1
    histogram = figures.marginal_histograms(codes, prior)
    line = histogram.axes[0].lines[0]
    x, y = line.get_data()
    mass = np.sum((y[1:] + y[:-1]) / 2 * np.diff(x))
    assert mass == pytest.approx(1, abs=2e-3)
    assert opened(histogram).shape[1] == round(DPI * WIDTH)


def test_confusion_shows_shares_of_each_class():
    counts = np.array([[3, 1], [0, 6]])
    figure = figures.confusion_matrix(counts, ["a", "$b"], ["1", "2"])
    shown = figure.axes[0].images[0].get_array()
    assert np.allclose(shown, [[75, 25], [0, 100]])
    assert [t.get_text() for t in figure.axes[0].texts] == ["75", "25", "·", "100"]
    assert opened(figure).size


def test_training_curves_draw_what_was_logged():
    history = [
        {"reconstruction": 0.2 / i, "val_reconstruction": 0.3 / i, "ks": 50 / i, "val_ks": 60 / i}
        for i in range(1, 20)
    ]
    figure = figures.training_curves(history)
    assert [axes.get_title("left") for axes in figure.axes] == ["reconstruction", "KS term"]
    training, held_out = figure.axes[1].lines[:2]
    assert np.allclose(training.get_ydata(), [50 / i for i in range(1, 20)])
    assert np.allclose(held_out.get_ydata(), [60 / i for i in range(1, 20)])
    assert figure.axes[1].get_yscale() == "log"
    assert opened(figure).size
    guided = figures.training_curves([{**row, "assignment": 0.5} for row in history])
    assert [line.get_label() for line in guided.axes[2].lines] == ["training"]
    texts = [text.get_text() for text in guided.legends[0].get_texts()]
    assert texts == ["training", "held out", "a sample of the prior (the goal)"]
    assert figures.training_curves([]) is None
    assert figures.training_curves([{"loss": 1.0}]) is None


def test_the_same_figure_gives_the_same_bytes(tmp_path):
    cells = random_images(1, 2, 8, 8, 1)
    first, second = (png(figures.image_grid(cells)) for _ in range(2))
    assert first == second
    path = Picture("all", "grid", "A grid", "Two images.", first).write(tmp_path)
    assert path.name == "grid.png"
    assert path.read_bytes() == first
