"""Who is in the EMR, as this product counts them: members, providers, merges, and who has the same PHN."""
