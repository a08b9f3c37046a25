"""The annotators' page: rows read, judged and mended in the browser, and the journal of what was done."""
