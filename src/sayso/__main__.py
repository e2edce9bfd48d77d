"""`python -m sayso`: the command line, where the command `sayso` is not on the path."""

from sayso.cli.main import main

if __name__ == "__main__":
    main()
