"""The offline phase of Uni-O4 (arXiv 2311.03351): a cloned ensemble, improved only where a model says so."""
