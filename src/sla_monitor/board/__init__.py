"""What people look at: the board's page and its JSON API (docs/board.md).

`api` has the routes, `guard` says who may ask. `deployment` is what the board needs of the worker it is part of, and
all that it knows of it. `clocks` and `case_page` make the answers from a case, `index` finds cases among many without
decoding them, `query` says which are wanted, `together` asks the other workers.
"""
