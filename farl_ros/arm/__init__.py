"""The arm: one protocol, one file per backend."""
