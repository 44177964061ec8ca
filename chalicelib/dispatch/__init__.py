"""SQS: doorbells and control queues."""
