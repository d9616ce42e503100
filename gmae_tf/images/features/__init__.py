"""Feature extractors for distances between sets of images: a classifier, Inception, pixels."""
