"""The database: models, migrations, and the statements on them."""
