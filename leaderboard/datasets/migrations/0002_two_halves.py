from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("datasets", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="datasetversion",
            name="preset",
            field=models.CharField(default="generic", max_length=20),
        ),
        *(
            migrations.AddField(
                model_name="datasetversion",
                name=name,
                field=models.JSONField(blank=True, default=dict, editable=False),
            )
            for name in ("hashes", "files", "sources")
        ),
        migrations.AddField(
            model_name="datasetversion",
            name="submissions_per_month",
            field=models.PositiveSmallIntegerField(
                default=0, help_text="Within any 30 days; 0: no such limit."
            ),
        ),
    ]
