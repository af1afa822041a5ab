// Has a constant array of 2^24 words.
// expect: rejected "a value may have at most 4096 bytes"
// handler: scalar attack args=OWN

const HUGE = array<u32, 16777216>();

fn attack() {
    result(0u, HUGE[arg(0u)]);
}
