"""The measured promises: `make bench` prints them and writes .run/bench.json."""
