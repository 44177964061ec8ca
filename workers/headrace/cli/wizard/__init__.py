"""The questions of `headrace deploy`. Nothing is made before the last one is answered."""
