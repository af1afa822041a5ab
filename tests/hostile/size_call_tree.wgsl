// Calls two of each of twenty-four functions: 16 million copies in line.
// expect: rejected "expressions and statements"
// handler: scalar attack args=OWN

fn part0(x: u32) -> u32 {
    return x * 3u + 1u;
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

fn part13(x: u32) -> u32 {
    return part12(x) + part12(x + 13u);
}

fn part14(x: u32) -> u32 {
    return part13(x) + part13(x + 14u);
}

fn part15(x: u32) -> u32 {
    return part14(x) + part14(x + 15u);
}

fn part16(x: u32) -> u32 {
    return part15(x) + part15(x + 16u);
}

fn part17(x: u32) -> u32 {
    return part16(x) + part16(x + 17u);
}

fn part18(x: u32) -> u32 {
    return part17(x) + part17(x + 18u);
}

fn part19(x: u32) -> u32 {
    return part18(x) + part18(x + 19u);
}

fn part20(x: u32) -> u32 {
    return part19(x) + part19(x + 20u);
}

fn part21(x: u32) -> u32 {
    return part20(x) + part20(x + 21u);
}

fn part22(x: u32) -> u32 {
    return part21(x) + part21(x + 22u);
}

fn part23(x: u32) -> u32 {
    return part22(x) + part22(x + 23u);
}

fn part24(x: u32) -> u32 {
    return part23(x) + part23(x + 24u);
}

fn attack() {
    result(0u, part24(arg(1u)));
}
