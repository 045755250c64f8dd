"""Materials are read aloud in consultations; what was used in one is found by its reference."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('knowledge', '0015_script_call_back'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        migrations.swappable_dependency(settings.WAGTAIL_PAGE_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='materialuse',
            name='action',
            field=models.CharField(choices=[('inserted', 'вставлен'), ('linked', 'вставлена ссылка'), ('opened', 'открыт'), ('declined', 'не подошёл'), ('read', 'прочитан вслух'), ('told', 'использован в консультации'), ('written', 'написан из ответа')], max_length=10, verbose_name='что сделали'),
        ),
        migrations.AddIndex(
            model_name='materialuse',
            index=models.Index(condition=models.Q(('reference', ''), _negated=True), fields=['reference'], name='material_used_at'),
        ),
    ]
