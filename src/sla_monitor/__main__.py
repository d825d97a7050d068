"""`python -m sla_monitor`: the console script for those who know the interpreter, not its folder of scripts."""

from sla_monitor.cli.main import main

if __name__ == "__main__":
    main()
