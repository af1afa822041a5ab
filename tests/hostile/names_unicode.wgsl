// Uses letters of many alphabets in its names.
// expect: contained
// handler: scalar Δélта args=OWN
// result: 12 0

const ππ = 5u;

fn 名前(ä: u32) -> u32 {
    return ä + ππ;
}

fn Δélта() {
    result(0u, 名前(7u));
}
