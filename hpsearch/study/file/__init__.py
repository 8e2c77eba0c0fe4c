"""From the text of a study file to checked tables, each fault with its line: what `Study.load` is made of.

reading: the file and `--set`; toml_errors: what is wrong in a file that is not TOML; lines: which key stands on which
line; kinds: what one value may be; sections, search_sections and space_section: the tables, and what they must be to
each other; place: where databases are; faults: what is wrong, in words; other_tools: what the keys of Optuna, Ray Tune
and others are called here.
"""
