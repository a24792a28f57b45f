"""Forms of text in stack files: the pattern, what it means in words, and an example.

The words reach people twice: in error messages, and in editors (`patternErrorMessage` of the JSON Schema). The example
serves the reference page, and stands in for a wrong value while the rest of a file is judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import Field


@dataclass(frozen=True)
class Form:
    """One form of text."""

    regex: str
    words: str
    """What may stand there, after "allowed:"."""
    example: str

    def field(self) -> Any:
        """The pydantic field that holds a text to this form; for `Annotated[str, ...]`."""
        return Field(pattern=self.regex, examples=[self.example], json_schema_extra={"patternErrorMessage": self.words})


def described(words: str, example: str) -> Any:
    """The pydantic field of a text that a validator holds to its form."""
    return Field(examples=[example], json_schema_extra={"patternErrorMessage": words})


NAME = Form(
    r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$",
    "lower-case letters, digits and dashes, beginning with a letter and not ending with a dash; 40 at most",
    "ml-production",
)
ENVIRONMENT = Form(
    r"^[a-z]([a-z0-9-]{0,13}[a-z0-9])?$",
    "lower-case letters, digits and dashes, beginning with a letter and not ending with a dash; 15 at most",
    "dev",
)
TEAM = Form(r"^[a-z][a-z0-9-]*$", "lower-case letters, digits and dashes, beginning with a letter", "ml-platform")
COST_CENTRE = Form(r"^[A-Za-z0-9][A-Za-z0-9-]*$", "letters, digits and dashes", "ai-1000")
MINOR = Form(r"^1\.\d{2}$", 'a Kubernetes minor in quotes, such as "1.35"', "1.35")
S3_URI = Form(
    r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?$",
    "s3://<bucket>/<prefix>",
    "s3://trellis-dev-111122223333-models/checkpoints/llm",
)
MODEL_URI = Form(
    r"^(s3|gs|https|hf|pvc|oci)://.+$",
    "a URI that KServe loads: s3://, gs://, https://, hf://, pvc:// or oci://",
    "s3://models/llm-v1",
)
ACCOUNT = Form(r"^\d{12}$", 'twelve digits in quotes, such as "111122223333"', "111122223333")
REGION = Form(r"^[a-z]{2}(-[a-z]+)+-\d$", "an AWS region such as us-east-1", "us-east-1")
VPC = Form(r"^vpc-[0-9a-f]{8,17}$", "the id of a VPC: vpc- and 8 to 17 hexadecimal digits", "vpc-0a1b2c3d4e5f60718")
SUBNET = Form(
    r"^subnet-[0-9a-f]{8,17}$",
    "the id of a subnet: subnet- and 8 to 17 hexadecimal digits",
    "subnet-0a1b2c3d4e5f60718",
)
RESERVATION = Form(
    r"^cr-[0-9a-f]{8,17}$",
    "the id of a capacity reservation: cr- and 8 to 17 hexadecimal digits",
    "cr-0a1b2c3d4e5f60718",
)
PRINCIPAL = Form(
    r"^arn:aws[a-z-]*:iam::\d{12}:(role|user)/.+$",
    "the ARN of an IAM role or user",
    "arn:aws:iam::111122223333:role/trellis-deployer",
)
CERTIFICATE = Form(
    r"^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate/.+$",
    "the ARN of an ACM certificate",
    "arn:aws:acm:us-east-1:111122223333:certificate/3d5f8a10-5a2f-4c52-9f7e-0c6d4a1b2c3d",
)
DOMAIN = Form(r"^([a-z0-9-]+\.)+[a-z]{2,}$", "a DNS domain in lower case", "ml.example.com")
HTTPS = Form(r"^https://.+", "a URL that begins with https://", "https://login.example.com")
REPOSITORY = Form(
    r"^(https|ssh)://.+|^git@.+",
    "the URL of a Git repository: https://, ssh:// or git@",
    "https://github.com/myorg/ml-models",
)
DATABASE_CLASS = Form(r"^db\.[a-z0-9]+\.[a-z0-9]+$", "an RDS instance class: db.<family>.<size>", "db.t4g.medium")
ZONE = Form(r"^[a-z0-9]+-az\d+$", "an availability-zone id, the same in every account, such as use1-az1", "use1-az1")
EMAIL = Form(r"^[^@\s]+@[^@\s]+\.[^@\s]+$", "a mail address", "ml-platform@example.com")

FORMS: tuple[Form, ...] = (
    *(NAME, ENVIRONMENT, TEAM, COST_CENTRE, MINOR, S3_URI, MODEL_URI, ACCOUNT, REGION, VPC, SUBNET, RESERVATION),
    *(ZONE, PRINCIPAL, CERTIFICATE, DOMAIN, HTTPS, REPOSITORY, DATABASE_CLASS, EMAIL),
)

BY_REGEX: Mapping[str, Form] = {form.regex: form for form in FORMS}
