"""Subscriptions of clients: their events, numbered as they are recorded, and the notifications about them."""
