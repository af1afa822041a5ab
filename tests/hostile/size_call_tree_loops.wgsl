// Calls two of each of twelve functions, the innermost with a loop: the loops in line are too many.
// expect: rejected "bytes of variables"
// handler: scalar attack args=OWN

fn part0(x: u32) -> u32 {
    var n = x;
    for (var i = 0u; i < 3u; i += 1u) {
        n = n * 3u + 1u;
    }
    return n;
}

fn part1(x: u32) -> u32 {
    return part0(x) + part0(x + 1u);
}

fn part2(x: u32) -> u32 {
    return part1(x) + part1(x + 2u);
}

fn part3(x: u32) -> u32 {
    return part2(x) + part2(x + 3u);
}

fn part4(x: u32) -> u32 {
    return part3(x) + part3(x + 4u);
}

fn part5(x: u32) -> u32 {
    return part4(x) + part4(x + 5u);
}

fn part6(x: u32) -> u32 {
    return part5(x) + part5(x + 6u);
}

fn part7(x: u32) -> u32 {
    return part6(x) + part6(x + 7u);
}

fn part8(x: u32) -> u32 {
    return part7(x) + part7(x + 8u);
}

fn part9(x: u32) -> u32 {
    return part8(x) + part8(x + 9u);
}

fn part10(x: u32) -> u32 {
    return part9(x) + part9(x + 10u);
}

fn part11(x: u32) -> u32 {
    return part10(x) + part10(x + 11u);
}

fn part12(x: u32) -> u32 {
    return part11(x) + part11(x + 12u);
}

fn attack() {
    result(0u, part12(arg(1u)));
}
