"""The pages. Every route checks its own rights."""
