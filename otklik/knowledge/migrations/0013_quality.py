
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('knowledge', '0012_law_and_signals'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='SearchRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField(help_text='Пусто — прогон проверочного набора.', null=True, unique=True, verbose_name='ночь')),
                ('began_at', models.DateTimeField(auto_now_add=True, verbose_name='начат')),
                ('finished_at', models.DateTimeField(null=True, verbose_name='закончен')),
                ('total', models.PositiveIntegerField(verbose_name='вопросов')),
                ('done', models.PositiveIntegerField(default=0, verbose_name='задано')),
                ('model_version', models.CharField(blank=True, max_length=20, verbose_name='уверенность')),
                ('figures', models.JSONField(default=dict, verbose_name='показатели')),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='кто начал')),
            ],
            options={
                'verbose_name': 'проверка поиска',
                'verbose_name_plural': 'проверки поиска',
            },
        ),
        migrations.CreateModel(
            name='SearchCase',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.CharField(max_length=6, verbose_name='откуда')),
                ('kind', models.CharField(max_length=20, verbose_name='вид')),
                ('code', models.CharField(blank=True, max_length=40, verbose_name='номер в наборе')),
                ('text', models.TextField(blank=True, verbose_name='вопрос')),
                ('reference', models.CharField(blank=True, max_length=60, verbose_name='где')),
                ('pages', models.JSONField(default=list, verbose_name='что должно найтись')),
                ('has_answer', models.BooleanField(verbose_name='ответ есть')),
                ('found', models.PositiveSmallIntegerField(verbose_name='нашлось')),
                ('first', models.PositiveBigIntegerField(null=True, verbose_name='первый в списке')),
                ('place', models.PositiveSmallIntegerField(null=True, verbose_name='место')),
                ('confidence', models.FloatField(verbose_name='уверенность')),
                ('sure', models.BooleanField(verbose_name='уверен')),
                ('read_as', models.CharField(blank=True, max_length=200, verbose_name='понято как')),
                ('features', models.JSONField(default=list, verbose_name='признаки')),
                ('section', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='knowledge.section', verbose_name='раздел')),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='cases', to='knowledge.searchrun', verbose_name='проверка')),
            ],
            options={
                'verbose_name': 'заданный вопрос',
                'verbose_name_plural': 'заданные вопросы',
            },
        ),
        migrations.CreateModel(
            name='TestSet',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120, verbose_name='название')),
                ('at', models.DateTimeField(auto_now_add=True, verbose_name='когда')),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='кто загрузил')),
            ],
            options={
                'verbose_name': 'проверочный набор',
                'verbose_name_plural': 'проверочные наборы',
            },
        ),
        migrations.AddField(
            model_name='searchrun',
            name='test_set',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='runs', to='knowledge.testset', verbose_name='проверочный набор'),
        ),
        migrations.CreateModel(
            name='TestQuery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=40, verbose_name='номер в наборе')),
                ('kind', models.CharField(blank=True, max_length=20, verbose_name='вид')),
                ('text', models.TextField(verbose_name='вопрос')),
                ('pages', models.JSONField(default=dict, verbose_name='материалы')),
                ('test_set', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='queries', to='knowledge.testset', verbose_name='набор')),
            ],
            options={
                'verbose_name': 'проверочный вопрос',
                'verbose_name_plural': 'проверочные вопросы',
                'constraints': [models.UniqueConstraint(models.F('test_set'), models.F('code'), name='test_query_once')],
            },
        ),
        migrations.AddIndex(
            model_name='searchrun',
            index=models.Index(fields=['finished_at'], name='search_runs_under_way'),
        ),
        migrations.AddConstraint(
            model_name='searchrun',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('day__isnull', False), ('test_set', None)), models.Q(('day', None), ('test_set__isnull', False)), _connector='OR'), name='search_run_of_a_night_or_a_set'),
        ),
    ]
