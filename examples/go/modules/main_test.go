package main

import "testing"

// It checks its counts itself, and ends the process where they differ.
func TestModulesRuns(t *testing.T) { main() }
