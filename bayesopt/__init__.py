"""Bayesian optimisation in a latent space: sparse Gaussian process, acquisition, loop, trial store.

The engines (codec, surrogate, acquisition, propose, loop, trials, report) see arrays and strings
only; `bayesopt.tasks` connects them to grammars. Import the modules directly: this package imports
nothing itself, so that command lines answer at once.
"""
