"""Running a class for a term: backup, restore, health, idle servers, logs, TLS, upgrade."""
