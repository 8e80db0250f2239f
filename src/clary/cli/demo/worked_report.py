"""How a demonstration of a pipeline is told at its end."""

from typing import Any

from rich.console import Console

from clary.program import program

Doc = dict[str, Any]


def show(found: Doc, out: Console) -> None:
    """Each execution with its steps and the gate's decision, the versions, the answer, the lineage."""
    for one in found["executions"]:
        given = ", ".join(f"{name}={value}" for name, value in one["parameters"].items() if name != "InService")
        out.print(f"\n[bold]{one['run']}[/bold]: {one['status']} after {one['seconds']:.2f} s  [dim]{given}[/dim]")
        for step in one["steps"]:
            out.print(_step(step), markup=False)
        if one["metrics"]:
            out.print(f"    measured: {_plain(one['metrics'])}", markup=False)
        out.print(f"    the gate: {_decision(one)}", markup=False)
    asked = found["inference"]
    out.print(f"\n{found['url']}\n    {asked['row'][:60]}...\n    -> {asked['answer']:.3f}, known: {asked['label']:g}")
    out.print()
    for line in found["lineage"]:
        out.print(line, markup=False)


def try_it(found: Doc, where: str, region: str, url: str, out: Console) -> None:
    """What to look at, when everything was left as it is. `where`: the option that names the home, or nothing."""
    clary, group = program(), found["pipeline"]
    out.print(
        f"""
Everything is left as it is. Look at it:

  {clary} models {group}{where}
  {clary} pipeline steps {group}{where}
  {clary} pipeline run {group}{where}
  {clary} lineage {found["endpoint"]}{where}

  eval "$({clary} env{where})"
  curl --aws-sigv4 aws:amz:{region}:sagemaker --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \\
       -H 'Content-Type: text/csv' --data '{found["inference"]["row"]}' {url}/endpoints/{found["endpoint"]}/invocations

Stop Clary with: {clary} down{where}""",
        markup=False,
    )


def _step(step: Doc) -> str:
    remark = "cached" if step["cached"] else ""
    if "outcome" in step:
        remark = "yes" if step["outcome"] else "no"
    if "version" in step:
        remark = step["version"].partition("model-package/")[2]
    took = f"{step['seconds']:.2f} s" if "seconds" in step else ""
    return f"    {step['step']:<24} {step['status']:<10} {took:>8}  {remark}".rstrip()


def _plain(metrics: Doc) -> str:
    from clary.numbers import numbers

    return ", ".join(f"{name.removesuffix('.value')} {value:.4g}" for name, value in numbers(metrics).items())


def _decision(one: Doc) -> str:
    return one["reason"] or "passed, a version is registered"
