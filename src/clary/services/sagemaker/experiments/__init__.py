"""Experiments: experiments, trials and trial components, what is measured in them, and those of jobs (tracking)."""

from clary.services.sagemaker.experiments import associations, components, experiments, pipelines, trials

__all__ = ["associations", "components", "experiments", "pipelines", "trials"]
