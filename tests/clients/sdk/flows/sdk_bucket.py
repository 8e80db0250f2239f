"""sagemaker 2.x and 3.x with variables alone: the default bucket, and a file in it."""

import json
import tempfile
from pathlib import Path

try:
    from sagemaker.core.helper.session_helper import Session
except ImportError:
    from sagemaker import Session

session = Session()
bucket = session.default_bucket()
with tempfile.TemporaryDirectory() as place:
    file = Path(place) / "data.csv"
    file.write_text("1,2\n")
    uri = session.upload_data(str(file), bucket=bucket, key_prefix="alone")
body = session.boto_session.client("s3").get_object(Bucket=bucket, Key="alone/data.csv")["Body"].read()
print(json.dumps({"bucket": bucket, "uri": uri, "body": body.decode()}))
