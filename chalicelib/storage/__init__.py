"""The table: the only folder that imports PynamoDB."""
