"""AWS inside one process: moto's DynamoDB, SQS, S3 and STS, made thread-safe, flat and durable."""
