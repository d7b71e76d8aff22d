"""A living demo city: real open data, real frames replayed, simulated fleets, one ingest path."""
