"""Where a pipeline's definition comes from: the request, or an object that it names."""

from typing import Final

from clary.aws.errors import ServiceError, ValidationException
from clary.aws.service import Context
from clary.jobs.locations import Location
from clary.kernel.resource import Doc
from clary.services.sagemaker.errors import require
from clary.services.sagemaker.pipelines import reading

MOST_CHARACTERS: Final = 1_048_576
"""Of a definition, wherever it comes from: DescribePipeline answers with no more."""
DEFINITION: Final = "PipelineDefinition"
LOCATION: Final = "PipelineDefinitionS3Location"


async def given(ctx: Context, req: Doc) -> str:
    """The definition that the request carries or names. Raises ValidationException."""
    require(not (DEFINITION in req and LOCATION in req), f"Give either {DEFINITION} or {LOCATION}, not both.")
    if LOCATION not in req:
        require(DEFINITION in req, f"The request needs a {DEFINITION} or a {LOCATION}.")
        return str(req[DEFINITION])
    return await _stored(ctx, req[LOCATION])


async def _stored(ctx: Context, place: Doc) -> str:
    """The object that the caller names, read with the caller's rights."""
    at = Location(place["Bucket"], place["ObjectKey"])
    try:
        text = (await reading.whole(ctx, at, 4 * MOST_CHARACTERS, place.get("VersionId"))).decode()
    except ServiceError as error:
        raise reading.unread("the pipeline definition", at, error) from error
    except reading.TooLarge:
        raise ValidationException(_too_long(at)) from None
    except UnicodeDecodeError:
        raise ValidationException(f"The pipeline definition at {at} is no UTF-8 text.") from None
    require(len(text) <= MOST_CHARACTERS, _too_long(at))
    return text


def _too_long(at: Location) -> str:
    return f"The pipeline definition at {at} is longer than {MOST_CHARACTERS} characters."
