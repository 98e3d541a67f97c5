"""Makes the buckets that are missing: `make_buckets.py NAME ...`.

Address and credentials come from the variables that AWS' own tools read
(AWS_ENDPOINT_URL_S3, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY). No process of the site has them:
each of its accounts opens one bucket and makes none.
"""

from __future__ import annotations

import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError


def main(names: list[str]) -> int:
    store = boto3.client("s3", config=Config(s3={"addressing_style": "path"}))
    there = {bucket["Name"] for bucket in store.list_buckets()["Buckets"]}
    for name in names:
        if name in there:
            print(f"{name}: is there")
            continue
        try:
            store.create_bucket(Bucket=name)
        except ClientError as error:
            # Another start of the site was quicker.
            if error.response["Error"]["Code"] != "BucketAlreadyOwnedByYou":
                raise
        print(f"{name}: made")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
