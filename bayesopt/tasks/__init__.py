"""Search tasks: objective, codec and known data for the engines of `bayesopt`."""
