"""Settings of candidate generation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CandidateConfig:
    """Settings of candidate generation; what each decode costs sets the measure.

    `draws` codes are decoded in an attempt, at most `attempts` times, until `enough` strings are
    found; the `centres` best known codes are surrounded.  With `screen` above 1, so many codes are
    drawn for each one that is decoded, and the surrogate says which; a third of that in each
    further attempt, for its favourites may all be known or infeasible.  With `anywhere`, samples of
    the prior are tried where nothing at all was found around the centres.

    With `faithful`, a string is a candidate only if its own code decodes to it again.  Far from its
    training data an autoencoder writes strings that it cannot read, and a prediction at their codes
    is not about them.

    `recombined` strings are made from known ones, where the space can do that, and the most
    promising of them are parents in turn, `generations` times: an evolution whose fitness is a
    draw of the surrogate, which costs no evaluation.  `evolutions` of them share out what is
    `enough`.  Every other one begins with the best known strings, and a posterior draw judges it.
    The others begin with any, for what the best have in common may lead nowhere, and are judged by
    a lower confidence bound.

    `lengths` are the first, least and greatest length of steps from a centre, see
    `TrustedRegion.step`.
    """

    draws: int = 2000
    enough: int = 2000
    attempts: int = 10
    centres: int = 200
    screen: int = 1
    anywhere: bool = False
    faithful: bool = False
    recombined: int = 0
    generations: int = 1
    evolutions: int = 1
    lengths: tuple[float, float, float] = (0.6, 0.3, 1.0)
