"""What a broker can do beyond what every Kafka-compatible one can, asked so that a worker at work notices nothing."""

from __future__ import annotations

from typing import Any, Literal

from aiokafka import errors
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.transaction import InitProducerIdRequest

from sla_monitor.config.settings import Settings
from sla_monitor.errors import RefuseToStart

Transactions = Literal["yes", "no", "denied"]  # denied: the broker has them, and not for this user

NO_TIMEOUT_MS = 0  # a time-out that Kafka refuses before it makes or stores anything
NOT_MADE = {errors.UnknownError.errno, errors.UnsupportedVersionError.errno}
DENIED = {errors.TransactionalIdAuthorizationFailed.errno, errors.ClusterAuthorizationFailedError.errno}
MADE = {  # answers of a broker that knows what it was asked for
    errors.NoError.errno,
    errors.InvalidTransactionTimeout.errno,
    errors.NotCoordinatorForGroupError.errno,
    errors.GroupCoordinatorNotAvailableError.errno,
    errors.GroupLoadInProgressError.errno,
    errors.ConcurrentTransactions.errno,
}


def probe_id(settings: Settings) -> str:
    """A transactional id that begins as those of the partitions do, so that the same permissions hold, and is none of
    theirs: a broker that takes it after all fences nobody.
    """
    return f"{settings.topics.state}-probe"


async def transactions(client: AIOKafkaClient, transactional_id: str) -> Transactions:
    """Asks for a producer whose transactions may take no time at all. RefuseToStart: the answer says neither.

    That a broker lists this request among those it takes (ApiVersions) is not enough: some list it and answer it with
    an error. Kafka answers InvalidTransactionTimeout, and is left as it was.
    """
    request = InitProducerIdRequest(transactional_id, NO_TIMEOUT_MS)
    try:
        answer: Any = await client.send(client.get_random_node(), request)
    except errors.IncompatibleBrokerVersion:
        return "no"
    return transactions_by(answer.error_code)


def transactions_by(error_code: int) -> Transactions:
    """What the answer means. RefuseToStart: nobody can tell."""
    if error_code in NOT_MADE:
        return "no"
    if error_code in DENIED:
        return "denied"
    if error_code in MADE:
        return "yes"
    name = errors.kafka_errors[error_code].__name__ if error_code in errors.kafka_errors else f"error {error_code}"
    raise RefuseToStart(f"SLA_BROKER: whether it has transactions cannot be told, it answers {name}; try again later")
