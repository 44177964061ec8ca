"""What is asked of AWS beside the table: SQS for doorbells and control queues, S3 for objects, STS for credentials."""
