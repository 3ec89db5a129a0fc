"""From a file in the inbox to rows of raw: found, unpacked, read line by line, checked, archived, loaded."""
