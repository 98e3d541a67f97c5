from django.apps import AppConfig


class SubmissionsConfig(AppConfig):
    name = "leaderboard.submissions"

    def ready(self) -> None:
        from leaderboard.submissions import files

        files.connect()
