"""What runs cost in AWS: prices, counted units, and the bill they make. Standard library only."""
