"""One module per subject: what its answers say of each fact."""
