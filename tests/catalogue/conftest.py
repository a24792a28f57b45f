"""Property tests here judge results, not speed: on a busy machine a first call that reads tables may take longer."""

from hypothesis import settings

settings.register_profile("catalogue", deadline=None)
settings.load_profile("catalogue")
