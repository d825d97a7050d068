"""A real Apache Kafka for tests, without containers: jars from Maven, one KRaft node on loopback."""
