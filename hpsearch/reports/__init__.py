"""A recorded study as one HTML page, which needs nothing from elsewhere: `page.page(content)`."""
