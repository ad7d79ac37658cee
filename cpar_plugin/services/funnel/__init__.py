"""How many patients of a panel, or of the clinic, get from the EMR to the payment, and who does not."""
