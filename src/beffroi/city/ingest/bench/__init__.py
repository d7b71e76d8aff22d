"""``beffroi bench ingest``: how much the door takes, beside the least that any door could do."""
