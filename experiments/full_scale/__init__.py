"""All models of full size in one command, for a GPU without TensorFlow."""
