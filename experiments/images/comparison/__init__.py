"""Several models on the same images: measured alike, ranked, and shown side by side."""
