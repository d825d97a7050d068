"""What a deployment needs, looked at without changing anything. Each module asks about one group of things and judges
the answers in functions of their own, without I/O; `examination` runs all of them.
"""
