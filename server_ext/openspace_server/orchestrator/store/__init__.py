"""Database access: models, migrations, and all statements."""
