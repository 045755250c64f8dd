import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0004_worker_beat'),
    ]

    operations = [
        migrations.CreateModel(
            name='ProcedureEdition',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(blank=True, editable=False, max_length=40, null=True, unique=True, verbose_name='код')),
                ('number', models.CharField(blank=True, max_length=60, verbose_name='номер приказа')),
                ('signed_on', models.DateField(blank=True, null=True, verbose_name='дата приказа')),
                ('title', models.CharField(max_length=500, verbose_name='название')),
                ('valid_from', models.DateField(verbose_name='действует с')),
                ('unsure', models.CharField(blank=True, help_text='Пусто — номер и даты сверены с приказом.', max_length=300, verbose_name='что не подтверждено')),
            ],
            options={
                'verbose_name': 'редакция Порядка',
                'verbose_name_plural': 'редакции Порядка',
                'ordering': ['valid_from', 'id'],
            },
        ),
        migrations.CreateModel(
            name='RetentionRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(blank=True, editable=False, max_length=40, null=True, unique=True, verbose_name='код')),
                ('kind', models.CharField(max_length=200, verbose_name='вид записей')),
                ('years', models.PositiveSmallIntegerField(blank=True, help_text='Пусто — срок не установлен: записи хранятся.', null=True, verbose_name='хранить, лет')),
                ('expert_review', models.BooleanField(default=False, verbose_name='перед уничтожением решает экспертно-проверочная комиссия (ЭПК)')),
                ('basis', models.CharField(help_text='Статья перечня, закона или пункт приказа.', max_length=300, verbose_name='основание')),
                ('unsure', models.CharField(blank=True, help_text='Пусто — срок и статья сверены с источником.', max_length=300, verbose_name='что не подтверждено')),
                ('valid_from', models.DateField(verbose_name='действует с')),
            ],
            options={
                'verbose_name': 'срок хранения',
                'verbose_name_plural': 'сроки хранения',
                'ordering': ['kind', '-valid_from'],
                'constraints': [models.UniqueConstraint(models.F('kind'), models.F('valid_from'), name='retention_rule_once', violation_error_message='Срок для этого вида записей с этого дня уже есть. Исправьте его или выберите другой день.')],
            },
        ),
        migrations.CreateModel(
            name='ProcedureClause',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(blank=True, editable=False, max_length=60, null=True, unique=True, verbose_name='код')),
                ('number', models.CharField(help_text='Например: 9.1 или 24, подп. 2.1.', max_length=40, verbose_name='пункт')),
                ('text', models.TextField(blank=True, verbose_name='текст')),
                ('fulfilled', models.TextField(blank=True, verbose_name='как исполняется')),
                ('listed_at', models.CharField(blank=True, max_length=60, verbose_name='где видно исполнение')),
                ('responsible', models.CharField(blank=True, max_length=200, verbose_name='вручную, ответственный')),
                ('since', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='clauses_begun', to='core.procedureedition', verbose_name='введён редакцией')),
                ('until', models.ForeignKey(blank=True, help_text='Пусто — действует.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='clauses_ended', to='core.procedureedition', verbose_name='утратил силу или заменён редакцией')),
            ],
            options={
                'verbose_name': 'пункт Порядка',
                'verbose_name_plural': 'пункты Порядка',
                'constraints': [models.UniqueConstraint(models.F('number'), models.F('since'), name='procedure_clause_once', violation_error_message='Такой пункт в этой редакции уже есть. Откройте его и исправьте там.')],
            },
        ),
    ]
