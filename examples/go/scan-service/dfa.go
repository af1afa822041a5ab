// The table that OpScanDFA reads: an automaton that finds all patterns in one pass (Aho and Corasick,
// 1975), as 32-bit words. docs/c-api.md describes it; examples/c/dfa.c is the same in C.

package main

import "errors"

const (
	dfaMagic    = 0x52444641
	headerWords = 8 + 256/4
	hasOutput   = 1 << 31
)

// A trie state while the table is made.
type state struct {
	next    []int32 // by class; -1: no edge yet
	suffix  int32   // the state of its longest proper suffix
	outputs []uint32
}

// buildDFA makes the table of patterns, whose ASCII letters stand for both cases.
func buildDFA(patterns []string) ([]uint32, error) {
	if len(patterns) == 0 {
		return nil, errors.New("there are no patterns")
	}
	classOf, classes := chooseClasses(patterns)
	longest := 0
	newState := func() state {
		s := state{next: make([]int32, classes)}
		for c := range s.next {
			s.next[c] = -1
		}
		return s
	}
	states := []state{newState()}
	for p, pattern := range patterns {
		if pattern == "" {
			return nil, errors.New("a pattern is empty")
		}
		longest = max(longest, len(pattern))
		at := int32(0)
		for _, b := range []byte(pattern) {
			edge := states[at].next[classOf[b]]
			if edge < 0 {
				edge = int32(len(states))
				states = append(states, newState())
				states[at].next[classOf[b]] = edge
			}
			at = edge
		}
		states[at].outputs = append(states[at].outputs, uint32(p))
	}
	addSuffixes(states)
	return words(states, classOf, classes, len(patterns), longest), nil
}

// chooseClasses gives each byte that occurs a class of its own, both cases of a letter the same one,
// and all other bytes class 0: a table of a few dozen columns.
func chooseClasses(patterns []string) (classOf [256]uint8, classes int) {
	classes = 1
	for _, pattern := range patterns {
		for _, b := range []byte(pattern) {
			if classOf[lower(b)] == 0 {
				classOf[lower(b)] = uint8(classes)
				classes++
			}
		}
	}
	for b := range 256 {
		classOf[b] = classOf[lower(byte(b))]
	}
	return classOf, classes
}

func lower(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}

// addSuffixes adds, level by level, the edges and outputs that a longest proper suffix brings in.
func addSuffixes(states []state) {
	var order []int32
	for c, edge := range states[0].next {
		if edge < 0 {
			states[0].next[c] = 0
		} else {
			order = append(order, edge)
		}
	}
	for i := 0; i < len(order); i++ {
		s := &states[order[i]]
		suffix := &states[s.suffix]
		s.outputs = append(s.outputs, suffix.outputs...)
		for c, edge := range s.next {
			detour := suffix.next[c]
			if edge < 0 {
				s.next[c] = detour
			} else {
				states[edge].suffix = detour
				order = append(order, edge)
			}
		}
	}
}

func words(states []state, classOf [256]uint8, classes, patterns, longest int) []uint32 {
	index := headerWords + len(states)*classes
	list := index + len(states) + 1
	table := make([]uint32, list)
	copy(table, []uint32{dfaMagic, uint32(len(states)), uint32(classes), uint32(patterns), uint32(longest),
		headerWords, uint32(index), uint32(list)})
	for b, class := range classOf {
		table[8+b/4] |= uint32(class) << (8 * (b % 4))
	}
	for i := range states {
		for c, edge := range states[i].next {
			entry := uint32(edge)
			if len(states[edge].outputs) > 0 {
				entry |= hasOutput
			}
			table[headerWords+i*classes+c] = entry
		}
		table = append(table, states[i].outputs...)
		table[index+i+1] = uint32(len(table) - list)
	}
	return table
}
