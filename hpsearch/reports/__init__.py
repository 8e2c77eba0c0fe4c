"""A recorded study as one self-contained HTML page: `page.report(content)`."""
