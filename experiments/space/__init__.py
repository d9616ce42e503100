"""A smooth latent space of molecules and of expressions: training on a GPU, and its measures."""
