"""The C that runs on the board, installed as package data; no Python lives here."""
