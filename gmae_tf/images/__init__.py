"""Autoencoders of images: data sets, networks, evaluation metrics, figures and report."""
