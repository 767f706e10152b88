"""`python -m hpapipe` is the command `hpapipe`."""

from hpapipe.cli.main import main

if __name__ == "__main__":
    main()
