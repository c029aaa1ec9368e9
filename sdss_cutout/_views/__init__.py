"""Shows pictures: plots, finding charts, montages, the contact sheet and notebooks."""
