package main

import "testing"

// The numbers are checked by the package's own tests; this is that the program runs.
func TestHelloRuns(t *testing.T) { main() }
