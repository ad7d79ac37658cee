"""The work of a fleet: a beat that asks clinics what is due, workers that do it, and RabbitMQ between them.

What makes a task safe is the claim in the clinic's database, as on one machine: a message that is lost is made up for
by the next look at the clinic, and one that arrives twice finds nothing to do.
"""
