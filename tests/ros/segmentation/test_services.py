"""What users of detectors expect: a class filter, the newest result on request, a limit of the rate, a log line of changes."""
