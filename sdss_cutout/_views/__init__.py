"""What people look at: plots, montages, the contact sheet and notebooks."""
