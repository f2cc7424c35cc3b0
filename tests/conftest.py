"""What holds for every test: property tests are not timed, and where ``CI`` is set they draw the same examples each
time, so that a build fails for what the commit changed."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "macrogate", deadline=None, derandomize=bool(os.environ.get("CI")), suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("macrogate")
