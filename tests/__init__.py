"""Tests mirror `src`; each is a sentence about a case, and its docstring is the promise."""
