"""No opinion comes from the ПОС: nothing brings its marks yet."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('surveys', '0004_paper_and_opinions'),
    ]

    operations = [
        migrations.AlterField(
            model_name='response',
            name='source',
            field=models.CharField(choices=[('link', 'по ссылке'), ('qr', 'по QR-коду'), ('paper', 'на бумаге'), ('phone', 'по телефону')], default='link', max_length=5, verbose_name='откуда'),
        ),
    ]
