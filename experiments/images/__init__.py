"""Studies of image models: comparison of models, prior scale, loss terms."""
