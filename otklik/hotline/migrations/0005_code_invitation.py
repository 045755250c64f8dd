"""The invitation whose one-time code was named to the caller."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ('hotline', '0004_recognition'),
        ('surveys', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='consultation',
            name='code_invitation',
            field=models.OneToOneField(
                blank=True,
                help_text='Одноразовый код назван звонящему: по нему отзыв с сайта виден здесь.',
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name='+',
                to='surveys.invitation',
                verbose_name='приглашение с кодом',
            ),
        ),
    ]
