"""Accounts: workspaces, members and their roles, sign-in, browser sessions, access tokens."""
