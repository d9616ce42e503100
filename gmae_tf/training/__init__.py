"""Training of an autoencoder: seeded mini-batches, callbacks, checkpoints, exact resume."""
