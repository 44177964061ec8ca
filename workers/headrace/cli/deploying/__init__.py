"""What `headrace deploy` does, apart from its options and its questions."""
