"""A broker with a second listener that speaks SASL_SSL and permits only what was granted.

The plain listener stays for the tests' own hands: who comes there is nobody, and nobody may do everything here. The
certificate is made anew for each broker, by an authority that nobody else knows.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import trustme
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import for_code
from aiokafka.protocol.admin import CreateAclsRequest

from tests.kafka.broker import Broker, free_port

MECHANISMS: Final = ("SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN")
TOPIC, GROUP, CLUSTER, TRANSACTIONAL_ID = 2, 3, 4, 5  # Kafka's numbers of resources
READ, WRITE, CREATE, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS = 3, 4, 5, 8, 10, 11  # and of operations
LITERAL, PREFIXED = 3, 4
ALLOW = 3
THE_CLUSTER = "kafka-cluster"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a user may do with a resource; `begins`: with all whose names begin so."""

    resource: int
    name: str
    operations: tuple[int, ...]
    begins: bool = False


class SecuredBroker(Broker):
    """`secured`: the address of the listener with SASL_SSL. `password`: of every user whom `grant` was told of."""

    def __init__(self, data: Path, users: Iterable[str]) -> None:
        super().__init__(
            data,
            properties={
                "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
                "super.users": "User:ANONYMOUS",
            },
        )
        self.users = {user: secrets.token_hex(16) for user in users}
        self._secured_port = 0
        self.authority = data / "authority.pem"
        self._certificate = data / "certificate.pem"
        authority = trustme.CA()
        issued = authority.issue_cert("127.0.0.1", "localhost")
        authority.cert_pem.write_to_path(self.authority)
        issued.private_key_and_cert_chain_pem.write_to_path(self._certificate)
        self._certificate.write_bytes(_as_pkcs8(self._certificate.read_bytes()))

    @property
    def secured(self) -> str:
        return f"127.0.0.1:{self._secured_port}"

    def _own_properties(self) -> dict[str, str]:
        self._secured_port = self._secured_port or free_port()
        own = super()._own_properties()
        own["listeners"] += f",SECURED://{self.secured}"
        own["advertised.listeners"] += f",SECURED://{self.secured}"
        own["listener.security.protocol.map"] = "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SECURED:SASL_SSL"
        own["inter.broker.listener.name"] = "PLAINTEXT"
        own["sasl.enabled.mechanisms"] = ",".join(MECHANISMS)
        own["ssl.keystore.type"] = "PEM"
        own["ssl.keystore.location"] = str(self._certificate)
        known = " ".join(f'user_{user}="{password}"' for user, password in self.users.items())
        plain, scram = "security.plain.PlainLoginModule", "security.scram.ScramLoginModule"
        for mechanism in MECHANISMS:
            module = f"{plain} required {known}" if mechanism == "PLAIN" else f"{scram} required"
            own[f"listener.name.secured.{mechanism.lower()}.sasl.jaas.config"] = f"org.apache.kafka.common.{module};"
        return own

    def _format_options(self) -> list[str]:
        return [
            option
            for user, password in self.users.items()
            for mechanism in MECHANISMS
            if mechanism != "PLAIN"
            for option in ("--add-scram", f"{mechanism}=[name={user},password={password}]")
        ]

    async def grant(self, user: str, grants: Iterable[Grant]) -> None:
        """Kafka's list of what is permitted gets these."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        client: AIOKafkaClient = admin._client
        try:
            for grant in grants:
                for operation in grant.operations:
                    pattern = PREFIXED if grant.begins else LITERAL
                    request = CreateAclsRequest(
                        grant.resource, grant.name, pattern, f"User:{user}", "*", operation, ALLOW
                    )
                    answer: Any = await client.send(client.get_random_node(), request)
                    [(code, message)] = answer.creation_responses
                    if code:
                        raise for_code(code)(message)
        finally:
            await admin.close()


def _as_pkcs8(pem: bytes) -> bytes:
    """The key in the only form that Kafka reads."""
    from cryptography.hazmat.primitives import serialization as s  # noqa: PLC0415 - comes with trustme

    key = s.load_pem_private_key(pem, password=None)
    certificates = pem[pem.index(b"-----BEGIN CERTIFICATE-----") :]
    return key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption()) + certificates
