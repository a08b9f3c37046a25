"""One file per container. None imports its library before it is used."""
