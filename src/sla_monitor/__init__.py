"""sla-monitor: watches support cases on Kafka, so that no promise to a customer is broken unseen."""

__version__ = "0.1.0"
