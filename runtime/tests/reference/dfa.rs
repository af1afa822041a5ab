//! What scan_dfa and the example handler scan read and find: the table for given patterns, and plain counts.

use std::collections::VecDeque;

/// A table for many patterns at once (Aho and Corasick, 1975).
pub fn dfa(patterns: &[Vec<u8>]) -> Vec<u32> {
    // Class 0 is for the bytes that no pattern has.
    let mut class = [0u32; 256];
    let mut classes = 1;
    for &b in patterns.iter().flatten() {
        if class[b as usize] == 0 {
            class[b as usize] = classes as u32;
            classes += 1;
        }
    }
    assert!(classes <= 256);

    // The trie; 0, the root, is nobody's child, and stands for "none yet".
    let mut next = vec![vec![0; classes]];
    let mut outputs = vec![vec![]];
    for (p, pattern) in patterns.iter().enumerate() {
        let mut state = 0;
        for &b in pattern {
            let c = class[b as usize] as usize;
            if next[state][c] == 0 {
                next[state][c] = next.len();
                next.push(vec![0; classes]);
                outputs.push(vec![]);
            }
            state = next[state][c];
        }
        outputs[state].push(p as u32);
    }

    // Breadth first, so that the state to fall back to is finished before those that fall back to it.
    let mut fallback = vec![0; next.len()];
    let mut queue: VecDeque<usize> = next[0].iter().copied().filter(|&s| s != 0).collect();
    while let Some(state) = queue.pop_front() {
        let back = fallback[state];
        let inherited = outputs[back].clone();
        outputs[state].extend(inherited);
        #[allow(clippy::needless_range_loop)] // two rows of one table are indexed
        for c in 0..classes {
            match next[state][c] {
                0 => next[state][c] = next[back][c],
                child => {
                    fallback[child] = next[back][c];
                    queue.push_back(child);
                }
            }
        }
    }

    let longest = patterns.iter().map(Vec::len).max().unwrap_or(0);
    let mut table = vec![
        0x5244_4641,
        next.len() as u32,
        classes as u32,
        patterns.len() as u32,
        longest as u32,
        72,
        0,
        0,
    ];
    table.extend(
        class
            .chunks(4)
            .map(|c| c[0] | c[1] << 8 | c[2] << 16 | c[3] << 24),
    );
    for &state in next.iter().flatten() {
        table.push(
            state as u32
                | if outputs[state].is_empty() {
                    0
                } else {
                    1 << 31
                },
        );
    }
    table[6] = table.len() as u32;
    let mut end = 0;
    table.push(end);
    for list in &outputs {
        end += list.len() as u32;
        table.push(end);
    }
    table[7] = table.len() as u32;
    table.extend(outputs.iter().flatten());
    table
}

/// All matches in the text, as (offset behind the last byte, pattern), in order.
pub fn matches(text: &[u8], patterns: &[Vec<u8>]) -> Vec<(u32, u32)> {
    let mut found = vec![];
    for end in 1..=text.len() {
        for (p, pattern) in patterns.iter().enumerate() {
            if text[..end].ends_with(pattern) {
                found.push((end as u32, p as u32));
            }
        }
    }
    found
}

/// How often each pattern is in a list of matches.
pub fn counts_of(matches: &[(u32, u32)], patterns: usize) -> Vec<u32> {
    let mut counts = vec![0; patterns];
    matches.iter().for_each(|&(_, p)| counts[p as usize] += 1);
    counts
}
