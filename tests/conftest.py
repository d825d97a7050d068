"""What every folder of tests may use, and what holds for all of them."""

from hypothesis import settings

pytest_plugins = ("tests.kafka.fixtures", "tests.deploy.fixtures", "tests.board.browser", "tests.needs")

settings.register_profile("busy", deadline=None)  # an example takes as long as the machine needs
settings.load_profile("busy")
