"""Quality of a latent space of molecules: measures, figures, report."""
