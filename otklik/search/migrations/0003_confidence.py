
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("search", "0002_changes_instead_of_postings"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ConfidenceModel',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.PositiveIntegerField(unique=True, verbose_name='номер')),
                ('shipped_version', models.CharField(max_length=20, verbose_name='с какой поставляемой сравнена')),
                ('weights', models.JSONField(verbose_name='веса')),
                ('bias', models.FloatField(verbose_name='сдвиг')),
                ('threshold', models.FloatField(verbose_name='порог')),
                ('questions', models.PositiveIntegerField(default=0, verbose_name='вопросов')),
                ('negative', models.PositiveIntegerField(default=0, verbose_name='из них без ответа')),
                ('figures', models.JSONField(default=dict, verbose_name='на отложенных вопросах')),
                ('state', models.CharField(choices=[('used', 'в работе'), ('refused', 'не взята'), ('past', 'прежняя')], max_length=7, verbose_name='состояние')),
                ('why', models.CharField(blank=True, max_length=200, verbose_name='почему не взята')),
                ('trained_at', models.DateTimeField(auto_now_add=True, verbose_name='когда')),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='кто вернул поставляемую')),
            ],
            options={
                'verbose_name': 'модель уверенности',
                'verbose_name_plural': 'модели уверенности',
                'constraints': [models.UniqueConstraint(models.F('state'), condition=models.Q(('state', 'used')), name='confidence_one_in_use'), models.CheckConstraint(condition=models.Q(('state', 'refused'), ('why', ''), _connector='XOR'), name='confidence_refused_says_why')],
            },
        ),
    ]
