"""The AWS provider of a rehearsal: every resource type that a stack registers, over boto3 and a moto server."""
