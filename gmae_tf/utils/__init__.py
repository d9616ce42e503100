"""Run folders, command lines, devices, parallel maps and plotting style, shared by every package."""
