"""What a trainer's source shows before it is imported: its definitions, the parameters that it uses, its seeds."""
