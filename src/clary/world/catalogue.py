"""Every service, and what of each is known beyond its own folder: tags, and how its resources tell of themselves."""

from collections.abc import Mapping

from clary.aws import kept_tags
from clary.aws.heralds import Heralds
from clary.aws.service import Service
from clary.aws.tagging import Taggables
from clary.kernel.resource import Resource
from clary.kernel.store import Store
from clary.services import (
    application_autoscaling,
    athena,
    cloudtrail,
    cloudwatch,
    ecr,
    events,
    glue,
    iam,
    logs,
    resourcegroupstaggingapi,
    s3,
    sagemaker,
    sagemaker_metrics,
    sagemaker_runtime,
    scheduler,
    signin,
    sns,
    sqs,
    sts,
)
from clary.services.application_autoscaling import taggable as autoscaling_tags
from clary.services.athena import heralds as athena_heralds
from clary.services.athena import taggable as athena_tags
from clary.services.cloudwatch import heralds as cloudwatch_heralds
from clary.services.cloudwatch import taggable as cloudwatch_tags
from clary.services.ecr import taggable as ecr_tags
from clary.services.events import taggable as events_tags
from clary.services.glue import heralds as glue_heralds
from clary.services.glue import taggable as glue_tags
from clary.services.iam import taggable as iam_tags
from clary.services.logs import taggable as logs_tags
from clary.services.s3 import heralds as s3_heralds
from clary.services.s3 import taggable as s3_tags
from clary.services.sagemaker import heralds as sagemaker_heralds
from clary.services.sagemaker import taggable as sagemaker_tags
from clary.services.scheduler import taggable as scheduler_tags
from clary.services.sns import taggable as sns_tags
from clary.services.sqs import taggable as sqs_tags

SERVICES: tuple[Service, ...] = (
    application_autoscaling.service,
    athena.service,
    cloudtrail.service,
    cloudwatch.service,
    ecr.service,
    events.service,
    glue.service,
    iam.service,
    logs.service,
    resourcegroupstaggingapi.service,
    s3.service,
    sagemaker.service,
    sagemaker_metrics.service,
    sagemaker_runtime.service,
    scheduler.service,
    signin.service,
    sns.service,
    sqs.service,
    sts.service,
)
TAGGABLES = Taggables(
    [
        *athena_tags.TAGGABLES,
        *autoscaling_tags.TAGGABLES,
        *cloudwatch_tags.TAGGABLES,
        *ecr_tags.TAGGABLES,
        *events_tags.TAGGABLES,
        *glue_tags.TAGGABLES,
        *iam_tags.TAGGABLES,
        *logs_tags.TAGGABLES,
        *s3_tags.TAGGABLES,
        *sagemaker_tags.TAGGABLES,
        *scheduler_tags.TAGGABLES,
        *sns_tags.TAGGABLES,
        *sqs_tags.TAGGABLES,
    ]
)
HERALDS = Heralds(
    {
        **athena_heralds.HERALDS,
        **cloudwatch_heralds.HERALDS,
        **glue_heralds.HERALDS,
        **s3_heralds.HERALDS,
        **sagemaker_heralds.HERALDS,
    }
)


def job_tags(store: Store, job: Resource) -> Mapping[str, str]:
    """The tags of a job of any service."""
    return sagemaker.tags.of(store, job) if job.kind in sagemaker.JOBS else kept_tags.of(job)
