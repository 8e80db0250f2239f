"""Prints docs/coverage.md: every operation of every served API, and what becomes of a request for it."""

from clary.aws.service import Service
from clary.world import SERVICES

HEAD = """# Coverage

Made by `make coverage`; a test keeps it true. *Executed*: it does what AWS documents. *Stored*: it is remembered and
answered again, and changes nothing else. Every operation that is not listed is *refused*: it answers 501 and its name.
*Ignored* members are accepted and answered again, and change nothing.
"""


def table(service: Service) -> list[str]:
    from botocore.session import Session

    model = Session().get_service_model(service.name)
    lines = ["", f"## `{service.name}`", ""]
    lines += [f"{len(service.handlers)} of {len(model.operation_names)} operations.", ""]
    lines += ["| operation | | ignored members |", "|---|---|---|"]
    for name in sorted(service.handlers):
        effect = "stored" if name in service.stored else "executed"
        ignored = ", ".join(f"`{one}`" for one in service.ignored[name])
        lines.append(f"| {name} | {effect} | {ignored} |")
    return lines


def main() -> None:
    lines = HEAD.splitlines()
    for service in sorted(SERVICES, key=lambda one: one.name):
        lines += table(service)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
