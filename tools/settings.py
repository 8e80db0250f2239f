"""Prints docs/settings.md from the one frozen dataclass that holds every setting."""

from dataclasses import fields

from clary.config import Config

HEAD = """# Settings

Made by `make settings`; a test keeps it true. Each can be given as an environment variable of `clary up`; `--home`,
`--host` and `--port` are options of the command line as well, and win over the variable.

| variable | default | what it means |
|---|---|---|"""


def main() -> None:
    print(HEAD)
    for one in fields(Config):
        print(f"| `CLARY_{one.name.upper()}` | `{one.default}` | {one.metadata['doc']} |")


if __name__ == "__main__":
    main()
