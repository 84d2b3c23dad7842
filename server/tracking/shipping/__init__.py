"""How the journal of an edge on another machine comes to the workers, each byte once (docs/deploy.md)."""
