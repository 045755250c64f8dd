"""A failed attempt may belong to no known appeal; attempts of an employee are counted."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('appeals', '0005_citation_reason'),
        ('hotline', '0003_missed_calls'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='recognition',
            name='appeal',
            field=models.ForeignKey(blank=True, help_text='Пусто — не опознан, и о каком деле речь, не известно.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='appeals.appeal', verbose_name='обращение'),
        ),
        migrations.AddIndex(
            model_name='recognition',
            index=models.Index(condition=models.Q(('succeeded', False)), fields=['by', 'at'], name='recognitions_failed'),
        ),
        migrations.AddConstraint(
            model_name='recognition',
            constraint=models.CheckConstraint(condition=models.Q(('succeeded', False), ('appeal__isnull', False), _connector='OR'), name='recognised_for_an_appeal'),
        ),
    ]
