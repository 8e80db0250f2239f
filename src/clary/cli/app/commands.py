"""The words of `clary app`. The work is imported only when it is asked for."""

from pathlib import Path
from typing import Annotated, Any

import typer

from clary.app_roles import DEFAULT_RATE, MOST_RATE

app = typer.Typer(no_args_is_help=True, help="Pages of models: a form at /apps/ENDPOINT for people without keys.")

HomeOption = Annotated[
    Path | None, typer.Option("--home", help="Where Clary keeps everything. [default: ~/.clary]", metavar="DIR")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document, for machines.")]
Endpoint = Annotated[str, typer.Argument(help="The endpoint's name.", metavar="ENDPOINT")]


def file_option(name: str, *, help: str, metavar: str = "FILE") -> Any:
    """A file that is there and can be read."""
    return typer.Option(name, help=help, metavar=metavar, exists=True, dir_okay=False, readable=True)


@app.command()
def create(
    endpoint: Endpoint,
    public: Annotated[bool, typer.Option("--public", help="Whoever reaches this server may ask.")] = False,
    token: Annotated[
        bool, typer.Option("--token", help="Only who has the link with its token may ask. [default for a new page]")
    ] = False,
    title: Annotated[str | None, typer.Option(help="What stands on top. [default: the document's]")] = None,
    description: Annotated[str | None, typer.Option(help="What stands below it.")] = None,
    document: Annotated[
        Path | None,
        file_option("--document", help="The form as JSON: title, input (JSON Schema), output, examples."),
    ] = None,
    from_data: Annotated[
        Path | None,
        file_option(
            "--from-data",
            help="Make the form of example rows: choices and ranges as they are seen in a CSV file with a header.",
            metavar="FILE.csv",
        ),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(
            help="The column of the rows (or of the model's baseline) that the model answers.", metavar="NAME"
        ),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Look for the form anew: the endpoint serves another model.")
    ] = False,
    raw: Annotated[bool, typer.Option("--raw", help="No form: a box for a raw request.")] = False,
    rate: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MOST_RATE,
            help=f"Requests a minute from one address. [default: as now, else {DEFAULT_RATE}]",
            metavar="N",
        ),
    ] = None,
    bucket: Annotated[
        str | None,
        typer.Option(help="Where the form's document is put. [default: as now, else sagemaker-REGION-ACCOUNT]"),
    ] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Make the page of an endpoint, or change it: clary app create cars --from-data cars.csv --label class

    Without --document and --from-data the form is what the model itself tells: the document that its package names,
    the baseline of its data, or the schema of its Spark ML container; else there is none. The page may ask this one
    endpoint, as an IAM role of its own, and nothing more.
    """
    from clary.cli.app import creating
    from clary.cli.app.documents.finding import Asked
    from clary.cli.say import fail

    if public and token:
        fail("--public and --token are two ways, of which a page has one")
    if sum((document is not None, from_data is not None, raw)) > 1:
        fail("--document, --from-data and --raw are three ways, of which a page has one")
    access = creating.chosen(public, token)
    given = Asked(document, from_data, label)
    creating.create(home, creating.Asked(endpoint, access, title, description, given, again, raw, rate, bucket), json)


@app.command("list")
def list_(home: HomeOption = None, json: JsonOption = False) -> None:
    """Print every page: what opens it, and whether its endpoint serves."""
    from clary.cli.app import keeping

    keeping.every(home, json)


@app.command()
def show(endpoint: Endpoint, home: HomeOption = None, json: JsonOption = False) -> None:
    """Print the link of a page, what opens it, and a request with curl."""
    from clary.cli.app import keeping

    keeping.show(home, endpoint, json)


@app.command()
def token(endpoint: Endpoint, home: HomeOption = None, json: JsonOption = False) -> None:
    """Make a new token and print the new link. The old one opens nothing any more."""
    from clary.cli.app import keeping

    keeping.token(home, endpoint, json)


@app.command()
def delete(endpoint: Endpoint, home: HomeOption = None, json: JsonOption = False) -> None:
    """End the page. The endpoint and the page's document stay."""
    from clary.cli.app import keeping

    keeping.delete(home, endpoint, json)


@app.command()
def source(
    endpoint: Endpoint,
    to: Annotated[
        Path | None, typer.Option("--to", help="Write it there. [default: standard output]", metavar="FILE")
    ] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Print the page as one HTML file of its own, to make another of it and to host it anywhere."""
    from clary.cli.app import keeping

    keeping.source(home, endpoint, to, json)
