"""AWS's list prices in us-east-1, in USD, each with its source. Looked up in November 2026; change them here alone.

`free` is what AWS gives each month without end; what it gives to new accounts for a year is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

REGION = "us-east-1"
DATE = "2026-11"


@dataclass(frozen=True, slots=True)
class Price:
    """A line of the bill: USD for `per` units, of which `free` cost nothing each month."""

    name: str
    unit: str
    usd: float
    per: float
    free: float
    source: str

    def of(self, quantity: float, *, free_tier: bool = False, before: float = 0.0) -> float:
        """USD for so many units in a month; `before` others have used up as much of what is free."""
        free = max(self.free - before, 0.0) if free_tier else 0.0
        return max(quantity - free, 0.0) * self.usd / self.per


MILLION = 1_000_000.0
PRICES = {
    "api_requests": Price(
        "API Gateway (REST)",
        "requests",
        3.50,
        MILLION,
        0,
        "AWS whitepaper 'Best practices for designing Amazon API Gateway private APIs', cost optimization",
    ),
    "lambda_requests": Price(
        "Lambda requests",
        "requests",
        0.20,
        MILLION,
        MILLION,
        "aws.amazon.com/lambda/pricing, as generally known",
    ),
    "lambda_gb_seconds": Price(
        "Lambda time (x86)",
        "GB-s",
        16.67,
        MILLION,
        400_000,
        "aws.amazon.com/lambda/pricing, as generally known",
    ),
    "write_units": Price(
        "DynamoDB writes",
        "write units",
        0.625,
        MILLION,
        0,
        "aws.amazon.com/dynamodb/pricing/on-demand, halved in November 2024",
    ),
    "read_units": Price(
        "DynamoDB reads",
        "read units",
        0.125,
        MILLION,
        0,
        "aws.amazon.com/dynamodb/pricing/on-demand, halved in November 2024",
    ),
    "table_gb": Price("DynamoDB storage", "GB", 0.25, 1, 25, "aws.amazon.com/dynamodb/pricing/on-demand"),
    "backup_gb": Price(
        "DynamoDB point-in-time recovery",
        "GB",
        0.20,
        1,
        0,
        "aws.amazon.com/dynamodb/pricing/on-demand, continuous backups",
    ),
    "sqs_requests": Price(
        "SQS", "requests", 0.40, MILLION, MILLION, "cloudburn.io/blog/amazon-sqs-pricing, March 2026"
    ),
    "rule_events": Price(
        "EventBridge rule (the tick)",
        "events",
        0,
        MILLION,
        0,
        "aws.amazon.com/eventbridge/pricing, as generally known",
    ),
    "s3_puts": Price(
        "S3 writes", "requests", 5.00, MILLION, 0, "aws.amazon.com/s3/pricing, as generally known"
    ),
    "s3_gb": Price("S3 storage", "GB", 0.023, 1, 0, "aws.amazon.com/s3/pricing, as generally known"),
    "log_gb": Price(
        "CloudWatch Logs", "GB", 0.50, 1, 5, "aws.amazon.com/cloudwatch/pricing, as generally known"
    ),
}
"""By the name of the quantity in `units.Units`."""
