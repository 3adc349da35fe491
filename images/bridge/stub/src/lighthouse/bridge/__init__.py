"""The bridge's contract, for where the application is not at hand."""
