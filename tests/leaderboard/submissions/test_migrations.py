"""What a server that is older than a rule makes of it."""

from __future__ import annotations

from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from leaderboard.submissions import guards
from leaderboard.submissions.models import Method


def test_names_that_read_alike_already_stay_apart() -> None:
    guards.remove(connection)
    executor = MigrationExecutor(connection)
    executor.migrate([("submissions", "0001_initial"), ("boards", None)])
    old = executor.loader.project_state([("submissions", "0001_initial")]).apps
    people, methods = old.get_model("accounts", "User"), old.get_model("submissions", "Method")
    person = people.objects.create(username="demo")
    methods.objects.create(name="patchcore", slug="theirs", owner=person)
    methods.objects.create(name="PatchCore", slug="paper")
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())
    guards.install(connection)
    theirs, paper = Method.objects.get(slug="theirs"), Method.objects.get(slug="paper")
    assert (paper.name_key, theirs.name_key) == ("patchcore", f"patchcore #{theirs.pk}")
    assert paper.is_named
