"""From the text of a study file to validated tables, each fault with its line. `Study.load` uses these modules:

reading: the file and `--set`; toml_errors: TOML syntax errors; lines: the line of each key; kinds: the types of single
values; sections, search_sections and space ([space]): the tables and the rules between them; place: the URLs of the
databases; faults: the error messages; other_tools: keys of Optuna, Ray Tune and others, translated.
"""
