"""Everything that is measured and drawn of a trained image model.

`material` holds what all of it is made of, `sets` and `generation` compare images, `numbers` is
about clusters, codes and reconstructions, `pictures` draws.
"""
