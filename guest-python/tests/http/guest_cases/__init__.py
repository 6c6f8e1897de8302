"""What holds only in a guest; each case runs in a process that looks like one."""

MODULES = ("refusals", "crossing", "trust", "responses")
