"""The attention in tiles of queries, for any size within a bounded memory."""
