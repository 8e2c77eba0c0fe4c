"""What hpsearch is compared with. Each module is run as a process of its own and prints its measurement as JSON."""
