"""One file per trainer that runs can be exported to; each defines EXPORT."""
