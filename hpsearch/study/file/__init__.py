"""From the text of a study file to checked tables, each fault with its line: what `definition.load` is made of.

reading: the file and `--set`; lines: which key stands on which line; sections: what one value may be; space_section:
the space; checks: what values mean together; place: where databases are; faults: what is wrong, in words.
"""
