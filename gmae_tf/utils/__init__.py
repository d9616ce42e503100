"""Files, run folders, command lines, devices and parallel maps, shared by every package."""
