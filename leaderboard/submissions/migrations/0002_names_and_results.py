"""Names of methods once on the site; what a score was made from beside it."""

from django.db import migrations, models

import leaderboard.submissions.models
from leaderboard.submissions import names


def fill_keys(apps, schema_editor):
    """Names that read alike already are told apart by their number; the paper's go first."""
    method = apps.get_model("submissions", "Method")
    seen = set()
    ownerless_first = models.F("owner_id").asc(nulls_first=True)
    for row in method.objects.order_by(ownerless_first, "pk"):
        key = names.key(row.name)
        row.name_key = f"{key} #{row.pk}" if key in seen else key
        seen.add(key)
        row.save(update_fields=["name_key"])


class Migration(migrations.Migration):
    dependencies = [("submissions", "0001_initial")]

    operations = [
        migrations.RemoveConstraint(model_name="method", name="method_name_once_an_owner"),
        migrations.AddField(
            model_name="method",
            name="is_named",
            field=models.BooleanField(
                default=True,
                editable=False,
                help_text="False until submission.json has named it.",
            ),
        ),
        migrations.AddField(
            model_name="method",
            name="name_key",
            field=models.CharField(editable=False, max_length=320, null=True, unique=True),
        ),
        migrations.RunPython(fill_keys, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="method",
            name="name_key",
            field=models.CharField(editable=False, max_length=320, unique=True),
        ),
        migrations.AddField(
            model_name="score",
            name="arrays",
            field=models.FileField(
                blank=True,
                editable=False,
                max_length=300,
                storage=leaderboard.submissions.models.results_storage,
                upload_to="",
            ),
        ),
        migrations.AddField(
            model_name="score",
            name="intervals",
            field=models.JSONField(blank=True, default=dict),
        ),
    ]
