"""What every folder of tests may use, and what holds for all of them."""

import logging
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

from sla_monitor.observe.logs import OURS, WORDY

pytest_plugins = ("tests.kafka.fixtures", "tests.deploy.fixtures", "tests.board.browser", "tests.needs")

settings.register_profile("busy", deadline=None)  # an example takes as long as the machine needs
settings.load_profile("busy")


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    """Logging is global, and commands configure it for a process of their own: what a test does to it is undone."""
    root = logging.getLogger()
    loggers = [root, *map(logging.getLogger, (OURS, *WORDY))]
    before = [(logger, logger.level, logger.propagate) for logger in loggers]
    handlers, root.handlers = root.handlers[:], []
    yield
    root.handlers = handlers
    for logger, level, propagate in before:
        logger.setLevel(level)
        logger.propagate = propagate
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()
