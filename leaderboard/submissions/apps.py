from django.apps import AppConfig
from django.core.checks import register


class SubmissionsConfig(AppConfig):
    name = "leaderboard.submissions"

    def ready(self) -> None:
        from leaderboard.submissions import checks, files, guards, history

        register(checks.job_times_fit)
        files.connect()
        guards.connect(self)
        history.connect()
