"""Why a deadline is where it is: the decisions of a case made once more, one at a time, and written down.

`watch` lets the same code decide as the worker does and notes what it has `seen`, with the `effects` of each change;
`counts` names the rules, `counting` writes out what the calendars said, `trace` puts all of it into one document, which
`cli/explanation.py` tells in words.
"""
