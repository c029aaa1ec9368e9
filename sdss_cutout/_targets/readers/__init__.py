"""What reads the formats of tables: a module for each family of formats."""
