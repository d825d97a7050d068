"""Everything fails that can fail, on a real Kafka, and one judge says what it cost: nothing."""
