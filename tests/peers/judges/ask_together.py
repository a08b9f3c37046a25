"""Runs in the peers' environment: Together's check_file over each file of argv. One line of JSON a file."""

import json
import sys

from together.utils.files import check_file

for path in sys.argv[1:]:
    print(json.dumps(check_file(path)))
