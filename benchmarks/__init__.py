"""What Headrace costs in time, memory and requests, measured; `make bench` runs it all."""
