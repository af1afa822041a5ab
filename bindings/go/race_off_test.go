//go:build !race

package rota_test

// raceEnabled: sync.Pool forgets on purpose under the race detector.
const raceEnabled = false
