"""Programs that are told what happens, at a web address of theirs."""
