"""`python -m packager`, and the `packager` command."""

import sys


def main() -> None:
    """Runs the command line."""
    try:
        from packager.cli import main as run

        run()
    except KeyboardInterrupt:  # while modules are loaded; the session handles later ones
        sys.exit(130)


if __name__ == "__main__":
    main()
