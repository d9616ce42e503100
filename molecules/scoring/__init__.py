"""Objectives for molecules, computed in worker processes with limits of time."""
